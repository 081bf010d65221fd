#!/usr/bin/env bash
# scripts_test.sh CASE: calls scripts as users do, and looks at what they say and make. ctest sets SOURCE and CC.
set -euo pipefail

: "${SOURCE:?}" "${CC:?}"
build_image=$SOURCE/scripts/build/build-test-image.sh
run_examples=$SOURCE/scripts/run/run-examples.sh
nowhere=unix:///nonexistent/docker.sock

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
# What a developer's shell may have set for runs of muster's own.
unset LOGOS_BLOCKCHAIN_SKIP_IMAGE_BUILD LOGOS_BLOCKCHAIN_TESTNET_IMAGE LOGOS_BLOCKCHAIN_NODE_BIN KUBERNETES_SERVICE_HOST

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

# exits STATUS COMMAND...: it must exit so; what it says is in $work/log.
exits() {
  local wanted=$1 status=0
  shift
  "$@" >"$work/log" 2>&1 </dev/null || status=$?
  ((status == wanted)) || fail "exited with $status, not $wanted: $*"$'\n'"$(<"$work/log")"
}

says() {
  grep -q -e "$1" "$work/log" || fail "did not say '$1':"$'\n'"$(<"$work/log")"
}

says_nothing() {
  [[ ! -s $work/log ]] || fail "was not silent:"$'\n'"$(<"$work/log")"
}

# ---- The image of the nodes ----

case_image_arguments() {
  exits 1 "$build_image" --nodes 3
  says "unknown argument '--nodes'"
  exits 1 "$build_image" --tag
  says '--tag has no value'
  exits 1 env LOGOS_BLOCKCHAIN_SKIP_IMAGE_BUILD=maybe "$build_image"
  says "LOGOS_BLOCKCHAIN_SKIP_IMAGE_BUILD is 'maybe'; use 1, true"
  # What does nothing needs no engine.
  export DOCKER_HOST=$nowhere
  exits 0 env LOGOS_BLOCKCHAIN_SKIP_IMAGE_BUILD=1 "$build_image"
  says_nothing
  exits 0 env LOGOS_BLOCKCHAIN_TESTNET_IMAGE=somebody/else:1 "$build_image"
  says_nothing
  exits 77 "$build_image"
  says 'Docker'
}

require_engine() {
  docker version >/dev/null 2>&1 && return
  printf 'skip: there is no Docker engine\n' >&2
  [[ ${MUSTER_REQUIRE_RUNNERS-} != *compose* ]] || exit 1
  exit 77
}

# make_node WORD: $work/node, a dynamic program that says the word.
make_node() {
  printf '#include <stdio.h>\nint main(void)\n{\n    return puts("%s") < 0;\n}\n' "$1" >"$work/node.c"
  "$CC" -o "$work/node" "$work/node.c"
}

# make_static: $work/static, a node that needs no library.
make_static() {
  printf '#!/bin/sh\n' >"$work/static"
  chmod 755 "$work/static"
}

# make_lost: $work/lost, a program whose library is gone.
make_lost() {
  printf 'int gone(void)\n{\n    return 0;\n}\n' >"$work/gone.c"
  printf 'int gone(void);\nint main(void)\n{\n    return gone();\n}\n' >"$work/lost.c"
  "$CC" -shared -fPIC -o "$work/libgone.so" "$work/gone.c"
  "$CC" -o "$work/lost" "$work/lost.c" -L "$work" -lgone
  rm "$work/libgone.so"
}

image_id() {
  docker image inspect --format '{{.Id}}' "$image" 2>/dev/null
}

# build_node PROGRAM: prints the image's id.
build_node() {
  exits 0 "$build_image" --node "$1" --tag "$image"
  image_id
}

case_image() {
  local first second
  require_engine
  image=muster-scripts-test:${work##*.}
  trap 'docker image rm "$image" >/dev/null 2>&1 || true; rm -rf -- "$work"' EXIT
  exits 1 "$build_image" --node "$work/none" --tag "$image"
  says "the node program '$work/none' is no executable file"
  make_lost
  exits 1 "$build_image" --node "$work/lost" --tag "$image"
  says "a library of '$work/lost' is not on this machine: libgone.so"
  ! image_id || fail 'there is an image of a node that cannot run'

  make_node first
  first=$(build_node "$work/node")
  says "Built the image $image"
  [[ $(docker run --rm "$image") == first ]] || fail 'the node does not run in its image'
  second=$(build_node "$work/node")
  says_nothing
  [[ $second == "$first" ]] || fail "the same files made another image: $first, then $second"
  make_node second
  second=$(build_node "$work/node")
  [[ $second != "$first" ]] || fail 'another node made the same image'
  [[ $(docker run --rm "$image") == second ]] || fail 'the image has not the node that was given'
  ! docker image inspect "$first" >/dev/null 2>&1 || fail 'the image that was replaced is left'

  make_static
  build_node "$work/static" >/dev/null
  says "Built the image $image"
}

# ---- Without a backend: nothing is installed or built before that is told ----

case_no_engine() {
  export DOCKER_HOST=$nowhere
  exits 77 "$run_examples" -t 1 -n 1 compose
  says 'the compose runner needs a Docker engine'
  [[ $(wc -l <"$work/log") == 1 ]] || fail "more than that was done:"$'\n'"$(<"$work/log")"
}

case_no_cluster() {
  export KUBECONFIG=/dev/null
  exits 77 "$run_examples" -t 1 -n 1 k8s
  says 'the k8s runner needs a Kubernetes cluster'
  [[ $(wc -l <"$work/log") == 1 ]] || fail "more than that was done:"$'\n'"$(<"$work/log")"
}

"case_$1"
