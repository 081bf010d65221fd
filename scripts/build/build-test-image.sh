#!/usr/bin/env bash
# Builds the container image of the test nodes: see usage() below.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=scripts/lib/packages.sh
source "$root/scripts/lib/packages.sh"
# shellcheck source=scripts/lib/build.sh
source "$root/scripts/lib/build.sh"

default_image=logos-blockchain-testing:local
label=muster.content

usage() {
  cat <<TEXT
usage: scripts/build/build-test-image.sh [--node PROGRAM] [--tag IMAGE]

Builds the image that the compose and k8s runners start: from scratch, the node program and exactly the shared
libraries it needs (what ldd names, and libgcc_s, which glibc loads by itself). The image's entry point is the node; its working directory is /node. An image that holds
the same files already is left as it is, so calling this before each run costs a moment.

  --node PROGRAM  what to put in; default: LOGOS_BLOCKCHAIN_NODE_BIN, else muster-devnode as built here
  --tag IMAGE     its name; default: LOGOS_BLOCKCHAIN_TESTNET_IMAGE, else $default_image
  -h, --help      print this

LOGOS_BLOCKCHAIN_SKIP_IMAGE_BUILD=1 does nothing. An image that LOGOS_BLOCKCHAIN_TESTNET_IMAGE names is somebody
else's and is left alone, unless --tag names it too.

exit: 0 the image is there, or none was asked for; 1 wrong arguments, or the build failed; 77 no Docker engine
TEXT
}

is_true() {
  case ${1,,} in
    1 | true | yes | on) return 0 ;;
    '' | 0 | false | no | off) return 1 ;;
    *) fail "LOGOS_BLOCKCHAIN_SKIP_IMAGE_BUILD is '$1'; use 1, true, yes, on, or 0, false, no, off" 1 ;;
  esac
}

node=${LOGOS_BLOCKCHAIN_NODE_BIN-}
tag=

parse_arguments() {
  while (($# > 0)); do
    case $1 in
      -h | --help)
        usage
        exit 0
        ;;
      --node | --tag)
        (($# > 1)) || fail "$1 has no value; --help shows what it takes" 1
        if [[ $1 == --node ]]; then node=$2; else tag=$2; fi
        shift
        ;;
      *) fail "unknown argument '$1'; --help shows what there is" 1 ;;
    esac
    shift
  done
}

parse_arguments "$@"
if is_true "${LOGOS_BLOCKCHAIN_SKIP_IMAGE_BUILD-}"; then
  exit 0
fi
if [[ -z $tag ]]; then
  tag=${LOGOS_BLOCKCHAIN_TESTNET_IMAGE:-$default_image}
  [[ $tag == "$default_image" ]] || exit 0
fi

command -v docker >/dev/null || fail "the program 'docker' is not in PATH; install the Docker CLI" 77
complaint=$(timeout 20 docker version 2>&1 >/dev/null) ||
  fail "there is no Docker engine that can be used: ${complaint##*$'\n'}" 77

if [[ -z $node ]]; then
  build release "$root/build-release" muster-devnode
  node=$root/build-release/bin/muster-devnode
fi
[[ -f $node && -x $node ]] || fail "the node program '$node' is no executable file" 1

context=$(mktemp -d)
trap 'rm -rf -- "$context"' EXIT
chmod 755 "$context"

# Paths of the shared libraries and the loader, as the program finds them here; none where it is static.
libraries_of() {
  local report
  if ! report=$(LC_ALL=C ldd "$1" 2>&1); then
    [[ $report == *'not a dynamic executable'* || $report == *'statically linked'* ]] && return 0
    fail "ldd does not understand '$1': $report" 1
  fi
  [[ $report != *'not found'* ]] ||
    fail "a library of '$1' is not on this machine: $(grep -m1 'not found' <<<"$report" | xargs)" 1
  awk '$2 == "=>" && $3 ~ /^\// { print $3 } $1 ~ /^\// { print $1 }' <<<"$report"
  # What ldd cannot know: glibc loads this one when a thread ends by pthread_exit(), as its resolver's do.
  [[ $report == *libgcc_s.so.1* ]] || unwinder_beside "$report"
}

unwinder_beside() {
  local libc
  libc=$(awk '$1 == "libc.so.6" { print $3 }' <<<"$1")
  if [[ -n $libc && -e ${libc%/*}/libgcc_s.so.1 ]]; then
    printf '%s\n' "${libc%/*}/libgcc_s.so.1"
  fi
}

# Times and modes are fixed, so that the same files make the same image wherever they come from.
put() {
  install -D -m 755 -- "$1" "$context/root$2"
}

program=/usr/bin/$(basename -- "$node")
list=$(libraries_of "$node") || exit
libraries=()
[[ -z $list ]] || mapfile -t libraries <<<"$list"
put "$node" "$program"
for library in "${libraries[@]}"; do
  put "$(readlink -f -- "$library")" "$library"
done
mkdir -p "$context/root/node" "$context/root/tmp"
chmod 1777 "$context/root/tmp"
find "$context/root" -exec touch -h -d @0 {} +

cat >"$context/Dockerfile" <<TEXT
FROM scratch
COPY root/ /
WORKDIR /node
ENTRYPOINT ["$program"]
TEXT
printf 'Dockerfile\n.dockerignore\n' >"$context/.dockerignore"

content=$(cd "$context" && {
  cat Dockerfile
  find root -printf '%p %m\n' | LC_ALL=C sort
  find root -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
} | sha256sum | cut -d' ' -f1)

present=$(docker image inspect --format "{{index .Config.Labels \"$label\"}}" "$tag" 2>/dev/null || true)
if [[ $present == "$content" ]]; then
  exit 0
fi
old=$(docker image inspect --format '{{.Id}}' "$tag" 2>/dev/null || true)
log=$context/build.log
if ! docker build --quiet --label "$label=$content" --tag "$tag" "$context" >"$log" 2>&1; then
  fail "docker build failed: $(grep -v -e DEPRECATED -e buildx <"$log" | tail -n 3)" 1
fi
# What the tag named before, if it was ours; one that is still used stays.
if [[ -n $present && $present != '<no value>' ]]; then
  docker image rm "$old" >/dev/null 2>&1 || true
fi
size=$(docker image inspect --format '{{.Size}}' "$tag")
printf 'Built the image %s (%s KB, %s)\n' "$tag" "$((size / 1000))" "$(basename -- "$node")" >&2
