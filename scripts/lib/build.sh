# Builds muster quietly. Sourced by bash scripts that have set `root`, the top of the tree.
# shellcheck shell=bash

# The variables that muster reads belong to runs; a build must come out the same whatever they say.
without_muster_variables() {
  local names name unset_them=()
  mapfile -t names < <(sed -n 's/^X([A-Z0-9_]*, "\([A-Za-z0-9_]*\)".*/\1/p' \
    "${root:?}/harness/include/muster/variables.def")
  for name in "${names[@]}" CK_RUN_SUITE CK_RUN_CASE CK_INCLUDE_TAGS CK_EXCLUDE_TAGS; do
    unset_them+=(-u "$name")
  done
  env "${unset_them[@]}" "$@"
}

configure_and_build() {
  local preset=$1 target
  shift
  local targets=()
  for target in "$@"; do
    targets+=(--target "$target")
  done
  cd "$root" && without_muster_variables cmake --preset "$preset" &&
    without_muster_variables cmake --build --preset "$preset" "${targets[@]}"
}

# build PRESET DIRECTORY [TARGET...]: configures and builds, all output to DIRECTORY/build.log; after a failure
# shows the log's end. Two scripts that build the same directory at once take turns.
build() {
  local preset=$1 directory=$2 log=$2/build.log
  shift 2
  mkdir -p "$directory" || fail "cannot make the build directory $directory" 99
  printf 'Building (preset %s, log in %s)\n' "$preset" "$log" >&2
  (
    flock 9
    configure_and_build "$preset" "$@" >"$log" 2>&1 </dev/null 9>&-
  ) 9>"$directory/build.lock" && return
  tail -n 40 "$log" >&2
  fail "the build failed; its whole log is $log" 1
}
