#!/usr/bin/env bash
# Builds muster for speed and measures it: prints the table of figures that docs/figures.md keeps.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=scripts/lib/packages.sh
source "$root/scripts/lib/packages.sh"
# shellcheck source=scripts/lib/build.sh
source "$root/scripts/lib/build.sh"

install_build_requirements
install_missing command:wrk=wrk
build release "$root/build-release" bench_muster
exec "$root/build-release/bin/bench_muster" "$@"
