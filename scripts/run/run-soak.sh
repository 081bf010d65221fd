#!/usr/bin/env bash
# Runs a healthy scenario many times on a machine that is kept busy: see usage() below.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=scripts/lib/packages.sh
source "$root/scripts/lib/packages.sh"
# shellcheck source=scripts/lib/build.sh
source "$root/scripts/lib/build.sh"

usage() {
  cat <<'TEXT'
usage: scripts/run/run-soak.sh [-n RUNS] [-t SECONDS] [-b BUILD_DIRECTORY] [-s SUITE] [-c SCENARIO]

Runs a healthy scenario RUNS times (100), one after the other, while stress-ng loads every processor, and prints
how each ended, how long it took and what the verdicts add up to. Nothing but green is right: a red run is
either a fault of the harness or an expectation that promises too much, and its evidence is kept.

  -t SECONDS          window of the scenario `demo` (5)
  -b BUILD_DIRECTORY  takes the programs from there; without it, builds the preset `release`
  -s SUITE            suite program (examples)
  -c SCENARIO         its scenario (demo)

exit: 0 all green; 1 some were not; 99 wrong arguments or environment
TEXT
}

runs=100 seconds=5 build_directory='' suite=examples scenario=demo
while getopts 'n:t:b:s:c:h' option; do
  case $option in
    n) runs=$OPTARG ;;
    t) seconds=$OPTARG ;;
    b) build_directory=$OPTARG ;;
    s) suite=$OPTARG ;;
    c) scenario=$OPTARG ;;
    h)
      usage
      exit 0
      ;;
    *)
      usage >&2
      exit 99
      ;;
  esac
done
[[ $runs =~ ^[1-9][0-9]{0,4}$ ]] || fail "-n '$runs' is not a number from 1 to 99999" 99
[[ $seconds =~ ^[1-9][0-9]{0,4}$ ]] || fail "-t '$seconds' is not a number from 1 to 99999" 99

install_missing command:stress-ng=stress-ng
if [[ -z $build_directory ]]; then
  install_build_requirements
  build_directory=$root/build-release
  build release "$build_directory" "${suite}_suite" muster-devnode
fi
program=$build_directory/bin/${suite}_suite
[[ -x $program ]] || fail "there is no program $program" 99

work=$(mktemp -d)
stress=''
finish() {
  [[ -z $stress ]] || kill "$stress" 2>/dev/null || true
  rm -f "$work/output"
  rmdir "$work/runs" "$work" 2>/dev/null || true # What was kept stays.
}
trap finish EXIT
mkdir "$work/runs"

stress-ng --quiet --cpu "$(nproc)" &
stress=$!

printf 'seed of each run, seconds it took, exit code, verdict\n'
declare -A verdicts=()
slowest=0
for ((run = 1; run <= runs; run++)); do
  began=$EPOCHREALTIME code=0
  env CK_RUN_CASE="$scenario" LOGOS_BLOCKCHAIN_DEMO_RUN_SECS="$seconds" MUSTER_RUN_ROOT="$work/runs" \
    "$program" >"$work/output" 2>&1 </dev/null || code=$?
  took=$(((${EPOCHREALTIME/./} - ${began/./}) / 1000))
  verdict=$(sed -n "s/^muster: .*\.$scenario on [a-z0-9]*: \([a-z]*\) .*/\1/p" "$work/output" | tail -n 1)
  seed=$(sed -n 's/^muster: .*, seed \([0-9]*\).*/\1/p' "$work/output" | tail -n 1)
  verdict=${verdict:-none}
  ((took <= slowest)) || slowest=$took
  verdicts[$verdict:$code]=$((${verdicts[$verdict:$code]:-0} + 1))
  printf '%4d  %s  %d.%03d s  %d  %s\n' "$run" "${seed:--}" $((took / 1000)) $((took % 1000)) "$code" "$verdict"
  if ((code != 0)); then
    sed 's/^/      | /' "$work/output"
  fi
done

kill -0 "$stress" 2>/dev/null || fail "stress-ng ended early: the machine was not loaded all the time" 99
printf '%d runs of %s.%s, longest %d.%03d s:\n' "$runs" "$suite" "$scenario" $((slowest / 1000)) $((slowest % 1000))
for ending in "${!verdicts[@]}"; do
  printf '  %s (exit code %s): %d\n' "${ending%:*}" "${ending#*:}" "${verdicts[$ending]}"
done
[[ ${verdicts[pass:0]:-0} -eq $runs ]]
