#!/usr/bin/env bash
# package_test.sh CASE: installs the build, moves the installation and uses it from there alone. ctest sets BUILD,
# SOURCE, CMAKE, CTEST, CC, CFLAGS and VERSION. Each case works in a directory of its own.
set -euo pipefail

: "${BUILD:?}" "${SOURCE:?}" "${CMAKE:?}" "${CTEST:?}" "${CC:?}" "${VERSION:?}"
export CFLAGS="-Wall -Wextra -Wpedantic -Wshadow -Werror ${CFLAGS-}"

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
prefix=$work/moved
consumer=$work/consumer
export MUSTER_RUN_ROOT=$work/runs
mkdir "$MUSTER_RUN_ROOT"
# What a developer's shell may have set for runs of muster's own.
unset MUSTER_RUNNER CK_RUN_CASE CK_RUN_SUITE CK_INCLUDE_TAGS CK_EXCLUDE_TAGS LOCAL_RUNNER_NODE_CONTROL

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

# quietly COMMAND...: what it prints is shown where it fails.
quietly() {
  "$@" >"$work/log" 2>&1 || {
    cat "$work/log"
    fail "failed: $*"
  }
}

# fails_saying TEXT COMMAND...: it must fail, and say that.
fails_saying() {
  local text=$1
  shift
  if "$@" >"$work/log" 2>&1; then
    cat "$work/log"
    fail "passed, where it had to fail: $*"
  fi
  grep -q -- "$text" "$work/log" || {
    cat "$work/log"
    fail "failed without saying '$text': $*"
  }
}

install_it() {
  quietly "$CMAKE" --install "$BUILD" --prefix "$work/prefix"
  mv "$work/prefix" "$prefix"
}

copy_consumer() {
  cp -r "$SOURCE/examples/counter" "$consumer"
}

assert_nothing_left() {
  [[ -z $(ls -A "$MUSTER_RUN_ROOT") ]] || fail "left in the run root: $(ls -A "$MUSTER_RUN_ROOT")"
}

# ---- The installed files ----

# Debug information names sources where they were built, and may: it is cut off first.
assert_names_no_build() {
  local file
  find "$prefix" -type f | while IFS= read -r file; do
    case $file in
      *.a | */bin/* | */libexec/*) objcopy --strip-debug "$file" "$work/stripped" ;;
      *) cp "$file" "$work/stripped" ;;
    esac
    if grep -a -q -F -e "$SOURCE" -e "$BUILD" "$work/stripped"; then
      fail "${file#"$prefix"/} names the directory it was built in:" \
        "$(strings "$work/stripped" | grep -F -m 3 -e "$SOURCE" -e "$BUILD")"
    fi
  done
}

case_install() {
  local file
  install_it
  for file in bin/muster libexec/muster/muster-devnode include/muster/{muster,check,logos,registry}.h \
    include/muster/variables.def; do
    [[ -e $prefix/$file ]] || fail "not installed: $file"
  done
  [[ -z $(find "$prefix/include" -name '*_test*' -o -name '*internal*') ]] || fail 'private headers are installed'
  quietly "$prefix/bin/muster" sweep
  # Sanitizers name sources by themselves; nobody ships such a build.
  [[ $CFLAGS == *-fsanitize* ]] || assert_names_no_build
  # A staged installation has the same files, and none outside.
  DESTDIR=$work/stage quietly "$CMAKE" --install "$BUILD" --prefix /opt/muster
  diff <(cd "$prefix" && find . -type f | sort) <(cd "$work/stage/opt/muster" && find . -type f | sort) ||
    fail 'DESTDIR gives other files'
  [[ $(ls "$work/stage") == opt ]] || fail "installed outside of the prefix: $(ls "$work/stage")"
}

# ---- Each header alone ----

case_headers() {
  local header
  command -v c++ >/dev/null || exit 77
  install_it
  for header in "$prefix"/include/muster/*.h; do
    printf '%s\n' "${header##*/}"
    printf '#include <muster/%s>\n' "${header##*/}" >"$work/alone.c"
    "$CC" -std=c11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I "$prefix/include" "$work/alone.c"
    c++ -x c++ -std=c++17 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I "$prefix/include" "$work/alone.c"
  done
}

# ---- The consumer ----

case_find_package() {
  local build=$consumer/build
  install_it
  copy_consumer
  # Its suite needs no node program of muster's.
  rm -r "$prefix/libexec"
  quietly "$CMAKE" -S "$consumer" -B "$build" -D CMAKE_PREFIX_PATH="$prefix" -D CMAKE_C_COMPILER="$CC"
  grep -q "^muster_DIR:PATH=$prefix/" "$build/CMakeCache.txt" || fail 'another muster was found'
  quietly "$CMAKE" --build "$build"
  "$CTEST" --test-dir "$build" -N | grep -o 'counter\..*' | sort >"$work/names"
  diff <(printf '%s\n' counter.kept.local counter.plain counter.restarted.local) "$work/names" ||
    fail 'ctest lists other tests'
  quietly "$CTEST" --test-dir "$build" --output-on-failure
  assert_nothing_left
  quietly "$CTEST" --test-dir "$build" --output-on-failure -L smoke
  grep -q '100% tests passed, 0 tests failed out of 1' "$work/log" || fail 'its tags are no labels'
  COUNTER_FORGETS=1 fails_saying 'node-0 counted .* of ' "$CTEST" --test-dir "$build" -R kept --output-on-failure
  COUNTER_FORGETS=1 fails_saying 'node-0 counted .* of ' "$CTEST" --test-dir "$build" -R plain --output-on-failure
  # A version that this one cannot stand for.
  sed -i 's/find_package(muster 0.1 /find_package(muster 0.2 /' "$consumer/CMakeLists.txt"
  fails_saying "version: $VERSION" "$CMAKE" -S "$consumer" -B "$work/newer" -D CMAKE_PREFIX_PATH="$prefix"
}

case_pkg_config() {
  command -v make >/dev/null || exit 77
  install_it
  copy_consumer
  rm -r "$prefix/libexec"
  PKG_CONFIG_PATH=$(dirname -- "$(find "$prefix" -name muster.pc)")
  export PKG_CONFIG_PATH
  [[ $(pkg-config --modversion muster) == "$VERSION" ]] || fail "pkg-config gives $(pkg-config --modversion muster)"
  quietly make -C "$consumer" check
  grep -q '^100%: Checks: 2, Failures: 0, Errors: 0' "$work/log" || fail "unexpected: $(cat "$work/log")"
  assert_nothing_left
  COUNTER_FORGETS=1 fails_saying 'node-0 counted .* of ' make -C "$consumer" check
}

# Suites on Logos nodes find muster-devnode where it was moved to.
case_suites() {
  local build=$consumer/build
  install_it
  cp -r "$SOURCE/suites" "$consumer"
  cat >"$consumer/CMakeLists.txt" <<'TEXT'
cmake_minimum_required(VERSION 3.21)
project(suites LANGUAGES C)
enable_testing()
find_package(muster CONFIG REQUIRED)
muster_add_suite(examples SOURCES examples_suite.c RUNNERS local)
TEXT
  quietly "$CMAKE" -S "$consumer" -B "$build" -D CMAKE_PREFIX_PATH="$prefix" -D CMAKE_C_COMPILER="$CC"
  quietly "$CMAKE" --build "$build"
  quietly "$CTEST" --test-dir "$build" --output-on-failure -R custom_workload
  grep -q '100% tests passed, 0 tests failed out of 1' "$work/log" || fail "unexpected: $(cat "$work/log")"
  assert_nothing_left
  rm -r "$prefix/libexec"
  fails_saying "the node program 'muster-devnode' .* is neither beside this program nor in PATH" \
    "$CTEST" --test-dir "$build" --output-on-failure -R custom_workload
}

# ---- Without Logos nodes: an etcd suite that links neither libsodium nor libmicrohttpd ----

assert_needs_neither() {
  if readelf -d "$1" | grep -E 'NEEDED.*(sodium|microhttpd)'; then
    fail "${1##*/} needs a library of Logos nodes"
  fi
}

case_without_logos() {
  local build=$work/build consumer_build=$consumer/build
  quietly "$CMAKE" -S "$SOURCE" -B "$build" -D MUSTER_LOGOS=OFF -D CMAKE_C_COMPILER="$CC"
  ! grep -q '^MUSTER_\(SODIUM\|MICROHTTPD\)_' "$build/CMakeCache.txt" || fail 'it looked for what it does not need'
  quietly "$CMAKE" --build "$build" --target etcd_suite muster_tool muster_etcd muster_glue
  assert_needs_neither "$build/bin/etcd_suite"
  quietly "$CMAKE" --install "$build" --prefix "$work/prefix"
  mv "$work/prefix" "$prefix"
  [[ -z $(find "$prefix" -name '*logos*' -o -name '*devnode*') ]] || fail "installed: $(find "$prefix" -name '*logos*')"

  mkdir "$consumer"
  cp "$SOURCE/suites/etcd_suite.c" "$consumer"
  cat >"$consumer/CMakeLists.txt" <<'TEXT'
cmake_minimum_required(VERSION 3.21)
project(suites LANGUAGES C)
enable_testing()
find_package(muster CONFIG REQUIRED)
muster_add_suite(etcd SOURCES etcd_suite.c RUNNERS local SYSTEM muster::etcd NODE_CONTROL)
TEXT
  quietly "$CMAKE" -S "$consumer" -B "$consumer_build" -D CMAKE_PREFIX_PATH="$prefix" -D CMAKE_C_COMPILER="$CC"
  quietly "$CMAKE" --build "$consumer_build"
  assert_needs_neither "$consumer_build/etcd_suite"
  sed -i 's/ SYSTEM muster::etcd//' "$consumer/CMakeLists.txt"
  fails_saying 'built without Logos nodes' "$CMAKE" -S "$consumer" -B "$consumer_build"

  PKG_CONFIG_PATH=$(dirname -- "$(find "$prefix" -name muster.pc)")
  export PKG_CONFIG_PATH
  # shellcheck disable=SC2046,SC2086 # Words of a command line.
  quietly "$CC" -std=c11 $CFLAGS "$consumer/etcd_suite.c" -o "$work/etcd_suite" $(pkg-config --cflags --libs muster)
  assert_needs_neither "$work/etcd_suite"
  quietly "$work/etcd_suite" --list
}

# ---- The examples that the READMEs show are the consumer's files ----

# And that of README.md compiles. A block of Markdown that begins with ```c counter.h is that file.
case_readme() {
  local readme name names=0
  install_it
  # shellcheck disable=SC2016 # The backticks are Markdown's.
  sed -n '/^```c$/,/^```$/p' "$SOURCE/README.md" | sed '/^```/d' >"$work/example.c"
  grep -q MUSTER_MAIN "$work/example.c" || fail 'README.md shows no suite'
  "$CC" -std=c11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I "$prefix/include" "$work/example.c"
  for readme in "$SOURCE"/{suites,harness,fixtures,runners}/README.md; do
    while IFS= read -r name; do
      sed -n "/^\`\`\`[a-z]* ${name//./\\.}\$/,/^\`\`\`\$/p" "$readme" | sed '1d;$d' >"$work/shown"
      diff "$SOURCE/examples/counter/$name" "$work/shown" ||
        fail "${readme#"$SOURCE"/} shows another $name than examples/counter has"
      names=$((names + 1))
    done < <(sed -n 's/^```[a-z]* \([A-Za-z_]*\.*[a-z]*\)$/\1/p' "$readme")
  done
  ((names == $(find "$SOURCE/examples/counter" -type f | wc -l))) ||
    fail "the READMEs show $names of the consumer's files, not all"
}

"case_$1"
