#!/usr/bin/env bash
# Builds muster and runs its tests: see usage() below.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=scripts/lib/packages.sh
source "$root/scripts/lib/packages.sh"
# shellcheck source=scripts/lib/build.sh
source "$root/scripts/lib/build.sh"

usage() {
  cat <<'TEXT'
usage: scripts/run/run-tests.sh [--preset NAME] [ctest option]...

Builds everything and runs every test, scenarios included, two at a time for each processor: they mostly wait.
Installs with apt what is missing, and says what. Options go to ctest: -R consensus, -L smoke, -L unit, -j4.

  --preset NAME  dev (the default), release, asan, tsan or ci
  -h, --help     print this

exit: 0 all passed; 1 the build or arguments were wrong; 99 the environment failed; else what ctest says (8: tests failed)
TEXT
}

preset=dev
case ${1-} in
  -h | --help)
    usage
    exit 0
    ;;
  --preset)
    (($# > 1)) || fail '--preset has no value; --help shows what there is' 1
    preset=$2
    shift 2
    ;;
esac
case $preset in
  dev) directory=$root/build ;;
  release | asan | tsan | ci) directory=$root/build-$preset ;;
  *) fail "--preset is '$preset', which there is not; use dev, release, asan, tsan or ci" 1 ;;
esac

install_test_requirements
build "$preset" "$directory"
cd "$root"
exec ctest --preset "$preset" -j"$((2 * $(nproc)))" --output-on-failure "$@"
