#!/usr/bin/env bash
# docs_test.sh CASE: reads the pages of the project (*.md) and compares what they say with the tree. ctest sets SOURCE.
# shellcheck disable=SC2016 # The backticks in single quotes are Markdown's.
set -euo pipefail

: "${SOURCE:?}"
self=$(readlink -f -- "${BASH_SOURCE[0]}")
cd "$SOURCE"

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

# Every case reports all that it finds, then fails.
complaints=0
complain() {
  printf '%s\n' "$*" >&2
  complaints=$((complaints + 1))
}

# Folders of builds hold pages of other projects. -L: a copy of the tree may be made of links.
pages() {
  find -L . -path './build*' -prune -o -path './.git' -prune -o -name '*.md' -print | sed 's,^\./,,' | sort
}

# of_pages PATTERN: "page<tab>match" for each match of a Perl pattern.
of_pages() {
  local page
  while IFS= read -r page; do
    { grep -oP -e "$1" "$page" || true; } | sort -u | sed "s,^,$page\t,"
  done < <(pages)
}

# outside_code PAGE: the page without its blocks of code.
outside_code() {
  sed '/^```/,/^```$/d' "$1" | grep -v '^    '
}

# ---- Links ----

# anchors PAGE: what its headings are called in links: small letters, no punctuation, dashes for blanks.
anchors() {
  outside_code "$1" | sed -n 's/^#\{1,6\} //p' | tr '[:upper:]' '[:lower:]' | sed 's/[^a-z0-9 _-]//g; s/ /-/g'
}

check_link() {
  local page=$1 target=$2 path=$1
  if [[ $target != '#'* ]]; then
    path=$(dirname -- "$page")/${target%%#*}
  fi
  if [[ ! -e $path ]]; then
    complain "$page links to $target, which is not there"
  elif [[ $target == *'#'* ]] && ! anchors "$path" | grep -qx -e "${target#*#}"; then
    complain "$page links to $target, and there is no such heading"
  fi
}

case_links() {
  local page target
  while IFS= read -r page; do
    while IFS= read -r target; do
      [[ $target == *://* ]] || check_link "$page" "$target"
    done < <(outside_code "$page" | grep -oP '\]\(\K[^)]+' || true)
  done < <(pages)
  # The first page leads to all others.
  for page in docs/*.md; do
    grep -q -F "]($page)" README.md || complain "README.md does not link to $page"
  done
}

# ---- Files, programs and names in the text ----

case_files() {
  local page path
  while IFS=$'\t' read -r page path; do
    [[ -e ${path%.} ]] || complain "$page names $path, which is not there"
  done < <(of_pages '(?<![\w/.-])(harness|runners|fixtures|suites|tests|tool|examples|cmake|scripts|bench|docs|\.ci)/[\w./-]*')
  while IFS=$'\t' read -r page path; do
    [[ $path == muster || -e suites/$path.c ]] || complain "$page runs the program $path, which is not built"
  done < <(of_pages '(?<![\w/])build(-\w+)?/bin/\K\w+')
}

# is_in_code WORD FILES...: as a whole word, outside of the pages.
is_in_code() {
  grep -rqw -e "$1" --include='*.h' --include='*.def' --include='*.c' --include='*.cmake' --include='*.sh' \
    --include=CMakeLists.txt --include=Makefile harness runners fixtures suites tests/programs examples scripts cmake bench CMakeLists.txt
}

case_names() {
  local page name
  while IFS=$'\t' read -r page name; do
    is_in_code "$name" || complain "$page names $name, which the code does not"
  done < <(of_pages '\b(MUSTER|LOGOS_BLOCKCHAIN|COMPOSE_RUNNER|K8S_RUNNER|LOCAL_RUNNER|TESTNET|CONSENSUS|COUNTER|DEVNODE)_[A-Z0-9_]*[A-Z0-9]\b|\bmuster_[a-z0-9_]+(?=\(\))')
}

# ---- Code ----

# A block of C in docs/ names a file and is a part of it: ```c tests/programs/own_main_program.c. package.readme looks at
# the README.md of each folder.
case_code() {
  local page complaint
  for page in docs/*.md; do
    while IFS= read -r complaint; do
      complain "$page $complaint"
    done < <(perl -0777 -ne '
      while (/^```c(?: (\S+))?\n(.*?)^```$/msg) {
        my ($path, $shown) = ($1 // "a file without a name", $2);
        local @ARGV = grep { -e } $path;
        print "shows code that $path does not have\n" if !@ARGV || index(<>, $shown) < 0;
      }' "$page")
  done
}

# ---- Tables ----

# column PAGE HEAD: the first column of the tables that begin with this row, without its ticks.
column() {
  awk -v head="$2" '$0 == head { inside = 1; getline; next } !/^\|/ { inside = 0 } inside' "$1" |
    sed 's/^| *//; s/ *|.*//; s/`//g'
}

# Every row is one that bench_muster prints: each piece of its name between the numbers is in its source.
case_figures() {
  local row piece
  column docs/figures.md '| what | muster | floor | compared |' >"$work/rows"
  [[ -s $work/rows ]] || complain 'docs/figures.md has no table as scripts/run/run-bench.sh prints it'
  while IFS= read -r row; do
    while IFS= read -r piece; do
      [[ -z $piece ]] || grep -q -F -e "$piece" bench/*.c || complain "no benchmark prints '$piece' of the row '$row'"
    done < <(tr '0-9:,' '\n' <<<"$row" | sed 's/^ //')
  done <"$work/rows"
}

# What the page says of run.json and events.jsonl is written somewhere under this name.
case_run_directory() {
  local page=docs/run-directory.md head name
  for head in '| field | what it says |' '| event | when |' '| file | what it holds |'; do
    column "$page" "$head" | tr ',' '\n' | sed 's/ //g; s,^nodes/.*,exit.json,' >"$work/words"
    [[ -s $work/words ]] || complain "$page has no table '$head'"
    while IFS= read -r name; do
      grep -rqE --include='*.[ch]' -e "[\"/]$name\"" harness runners || complain "$page names '$name', which nothing writes"
    done <"$work/words"
  done
}

# The table of CONTRIBUTING.md has a row for each folder of the engine.
case_rooms() {
  column CONTRIBUTING.md '| room | may use | its job |' | sed 's,/.*,,' | sort -u >"$work/told"
  find harness/src/ -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | sort >"$work/there"
  diff "$work/told" "$work/there" >&2 || complain 'CONTRIBUTING.md (<) has other rooms than harness/src (>)'
}

case_size() {
  local bytes
  bytes=$(wc -c <README.md)
  ((bytes < 9000)) || complain "README.md has $bytes bytes, 9000 or more; move details to docs/"
}

# ---- The cases themselves ----

# goes_red CASE TEXT: on the copy, the case must fail and say that.
goes_red() {
  if SOURCE=$work/tree "$self" "$1" >"$work/log" 2>&1; then
    complain "the case '$1' passed, where it had to say '$2'"
  elif ! grep -q -F -e "$2" "$work/log"; then
    complain "the case '$1' did not say '$2': $(<"$work/log")"
  fi
}

case_red() {
  local entry
  mkdir "$work/tree"
  for entry in ./* ./.ci; do
    [[ $entry == ./build* || $entry == ./docs || $entry == *.md ]] || ln -s "$SOURCE/$entry" "$work/tree/"
  done
  cp -r ./*.md docs "$work/tree"
  cat >>"$work/tree/docs/external.md" <<'TEXT'
[a file](nowhere.md), [a heading](variables.md#no-such-heading), [one of this page](#nor-such-a-one),
`scripts/run/run-nothing.sh`, `build/bin/nothing_suite`, `MUSTER_NO_SUCH_VARIABLE`, `muster_no_such_function()`
TEXT
  sed -i 's/CK_ENV/CK_SILENT/' "$work/tree/docs/project.md"
  printf '# Alone\n' >"$work/tree/docs/alone.md"
  printf '\n| event | when |\n| --- | --- |\n| `no_such_event` | never |\n' >>"$work/tree/docs/run-directory.md"
  sed -i 's/^| teardown, 3 nodes/| demolition, 3 nodes/' "$work/tree/docs/figures.md"
  sed -i '/^| `\{0,1\}ledger`\{0,1\} |/d' "$work/tree/CONTRIBUTING.md"
  head -c 9000 /dev/zero | tr '\0' ' ' >>"$work/tree/README.md"
  goes_red links 'docs/external.md links to nowhere.md, which is not there'
  goes_red links 'docs/external.md links to variables.md#no-such-heading, and there is no such heading'
  goes_red links 'docs/external.md links to #nor-such-a-one, and there is no such heading'
  goes_red links 'README.md does not link to docs/alone.md'
  goes_red files 'docs/external.md names scripts/run/run-nothing.sh, which is not there'
  goes_red files 'docs/external.md runs the program nothing_suite, which is not built'
  goes_red names 'docs/external.md names MUSTER_NO_SUCH_VARIABLE, which the code does not'
  goes_red names 'docs/external.md names muster_no_such_function, which the code does not'
  goes_red code 'docs/project.md shows code that tests/programs/own_main_program.c does not have'
  goes_red figures "no benchmark prints 'demolition'"
  goes_red run_directory "docs/run-directory.md names 'no_such_event', which nothing writes"
  goes_red rooms '> ledger'
  goes_red size 'README.md has'
}

"case_$1"
((complaints == 0))
