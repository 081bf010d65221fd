#!/usr/bin/env bash
# rooms_test.sh CASE: plants a fault into a small tree, compiles that, and looks at what check-rooms.py says. ctest sets
# SOURCE and CC.
set -euo pipefail

: "${SOURCE:?}" "${CC:?}"
check_rooms=$SOURCE/scripts/lint/check-rooms.py

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
tree=$work/tree
build=$work/build

if ! command -v python3 >/dev/null; then
  printf 'skip: there is no python3\n'
  exit 77
fi

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

# plant FILE LINE...
plant() {
  mkdir -p "$tree/$(dirname "$1")"
  printf '%s\n' "${@:2}" >"$tree/$1"
}

# Compiles every source to where CMake would: below the folder with the CMakeLists.txt.
compile() {
  local source folder object
  (cd "$tree" && find . -name '*.c' -printf '%P\n') | while IFS= read -r source; do
    folder=${source%%/*}
    object=$build/$folder/CMakeFiles/muster_$folder.dir/${source#*/}.o
    mkdir -p "$(dirname "$object")"
    "$CC" -I "$tree/harness/src" -I "$tree/harness" -I "$tree/harness/include" -I "$tree/runners" -I "$tree/fixtures" \
      -c "$tree/$source" -o "$object"
  done
}

check() {
  local status=0
  "$check_rooms" "$tree" "$build" >"$work/log" 2>&1 || status=$?
  ((status == $1)) || fail "exited with $status, not $1:"$'\n'"$(<"$work/log")"
}

# is_red LINE...: the check says these, a fault each, and nothing else.
is_red() {
  compile
  check 1
  printf '%s\n' "$@" | diff - <(sed '$d' "$work/log") || fail 'said (>) other than that (<)'
}

cannot_check() {
  check 2
  grep -q -F -e "$1" "$work/log" || fail "did not say '$1':"$'\n'"$(<"$work/log")"
}

# A tree without a fault: run -> base and two parts -> run, a runner on a public function of base, the glue on both.
plant harness/src/ROOMS '# A comment.' 'base | - | Low.' 'run | all above | High.' 'parts/* | run and below | Parts.'
plant harness/include/muster/base.h 'int muster_base(void);'
plant harness/src/base/base.h 'int muster__base(void);'
plant harness/src/base/base.c '#include "base/base.h"' '#include "muster/base.h"' \
  'int muster__base(void) { return 1; }' 'int muster_base(void) { return muster__base(); }'
plant harness/src/run/run.h 'int muster__run(void);'
plant harness/src/run/run.c '#include "run/run.h"' '#include "base/base.h"' \
  'int muster__run(void) { return muster__base(); }'
plant harness/src/parts/one/one.h 'int muster__one(void);'
plant harness/src/parts/one/one.c '#include "parts/one/one.h"' '#include "run/run.h"' '#include "base/base.h"' \
  'int muster__one(void) { return muster__run() + muster__base(); }'
plant harness/src/parts/two/two.c '#include "run/run.h"' 'int muster__two(void) { return muster__run(); }'
plant harness/testing/unit_test.h '#include "run/run.h"'
plant harness/src/base/base_test.c '#include "base/base.h"' '#include "testing/unit_test.h"'
plant runners/ROOMS 'local | - | Local.' '. | local | Names them.'
plant runners/local/local.h 'int local(void);'
plant runners/local/local.c '#include "local/local.h"' '#include "muster/base.h"' \
  'int local(void) { return muster_base(); }'
plant runners/registry.c '#include "local/local.h"' 'int muster_find(void) { return local(); }'
plant fixtures/check/ROOMS 'src | - | Glue.'
plant fixtures/check/src/glue.c '#include "muster/base.h"' 'int muster__glue(void) { return muster_base(); }'

case_clean() {
  compile
  check 0
  grep -q ' 0 faults$' "$work/log" || fail "$(<"$work/log")"
}

case_upward_include() {
  plant harness/src/base/low.h '#include "run/run.h"'
  is_red 'harness/src/base/low.h: includes "run/run.h"; harness/src/ROOMS:2 lets base use: -'
}

# No include tells of it.
case_upward_call() {
  plant harness/src/base/low.c 'int muster__run(void);' 'int low(void) { return muster__run(); }'
  is_red 'harness/src/base/low.c: calls muster__run of harness/src/run/run.c; harness/src/ROOMS:2 lets base use: -'
}

case_part_to_part() {
  plant harness/src/parts/two/more.c '#include "parts/one/one.h"' 'int more(void) { return muster__one(); }'
  local line='harness/src/ROOMS:4 lets parts/* use: run and below'
  is_red 'harness/src/parts/two/more.c: includes "parts/one/one.h"; '"$line" \
    "harness/src/parts/two/more.c: calls muster__one of harness/src/parts/one/one.c; $line"
}

case_runner_internals() {
  plant runners/local/deep.c '#include "base/base.h"' 'int deep(void) { return muster__base(); }'
  is_red 'runners/local/deep.c: includes "base/base.h"; runners/ROOMS:1 lets local use: -' \
    'runners/local/deep.c: calls muster__base of harness/src/base/base.c; runners/ROOMS:1 lets local use: -'
}

case_test_support() {
  plant harness/src/run/more.c '#include "testing/unit_test.h"'
  is_red 'harness/src/run/more.c: includes "testing/unit_test.h", which is for tests'
}

case_circle() {
  plant harness/src/run/a.c 'int b(void);' 'int a(void) { return b(); }'
  plant harness/src/run/b.c 'int c(void);' 'int b(void) { return c(); }'
  plant harness/src/run/c.c 'int a(void);' 'int c(void) { return a(); }'
  is_red 'circle of 3 files: harness/src/run/a.c harness/src/run/b.c harness/src/run/c.c' \
    '  harness/src/run/a.c -> harness/src/run/b.c: calls b' \
    '  harness/src/run/b.c -> harness/src/run/c.c: calls c' \
    '  harness/src/run/c.c -> harness/src/run/a.c: calls a'
}

case_include_circle() {
  plant runners/local/a.h '#include "local/b.h"'
  plant runners/local/b.h '#include "local/c.h"'
  plant runners/local/c.h '#include "local/a.h"'
  is_red 'circle of 3 files: runners/local/a.h runners/local/b.h runners/local/c.h' \
    '  runners/local/a.h -> runners/local/b.h: runners/local/a.h includes runners/local/b.h' \
    '  runners/local/b.h -> runners/local/c.h: runners/local/b.h includes runners/local/c.h' \
    '  runners/local/c.h -> runners/local/a.h: runners/local/c.h includes runners/local/a.h'
}

# To include a header for its types is not to call its source.
case_types_of_a_caller() {
  plant runners/local/a.h 'struct a { int value; };'
  plant runners/local/b.h '#include "local/a.h"' 'int b(struct a *a);'
  plant runners/local/a.c '#include "local/b.h"' 'int a(struct a *one) { return b(one); }'
  plant runners/local/b.c '#include "local/b.h"' 'int b(struct a *a) { return a->value; }'
  case_clean
}

case_include_without_room() {
  plant harness/src/run/more.c '#include "run.h"'
  is_red 'harness/src/run/more.c: includes "run.h" without its room: write "run/run.h"'
}

case_unknown_room() {
  plant harness/src/attic/old.c 'int old;'
  is_red "harness/src/attic/old.c: room 'attic' has no line in harness/src/ROOMS"
}

case_unknown_name() {
  plant harness/src/ROOMS 'base | run | Names a room below it.' 'run | base cellar | High.' \
    'parts/* | run and below | Parts.' 'attic | - | No folder.'
  is_red "harness/src/ROOMS:1: 'run' is no room of a line above" \
    "harness/src/ROOMS:2: 'cellar' is no room of a line above" "harness/src/ROOMS:4: room 'attic' has no folder"
}

case_no_build() {
  cannot_check 'no such build folder'
}

case_empty_build() {
  mkdir "$build"
  cannot_check 'build first'
}

case_not_compiled() {
  compile
  plant harness/src/run/new.c 'int new;'
  cannot_check 'no object of harness/src/run/new.c'
}

"case_$1"
