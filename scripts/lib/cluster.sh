# Brings a container image into the cluster that kubectl speaks to. Sourced by bash scripts, after packages.sh.
# shellcheck shell=bash

# require_cluster: exits with 77 and the reason where there is none.
require_cluster() {
  local complaint
  command -v kubectl >/dev/null ||
    fail "the k8s runner needs a Kubernetes cluster, and there is no 'kubectl' command; install it" 77
  kubectl config current-context >/dev/null 2>&1 || [[ -n ${KUBERNETES_SERVICE_HOST-} ]] ||
    fail "the k8s runner needs a Kubernetes cluster, and kubectl has no current context; set KUBECONFIG, or choose one with kubectl config use-context" 77
  complaint=$(timeout 20 kubectl get --raw /version 2>&1 >/dev/null) ||
    fail "the k8s runner needs a Kubernetes cluster, and none answers: ${complaint##*$'\n'}" 77
}

# load_quietly IMAGE COMMAND...
load_quietly() {
  local image=$1 said
  shift
  command -v "$1" >/dev/null || fail "the cluster is one of '$1', and there is no '$1' command to load $image with" 99
  said=$("$@" 2>&1) || fail "'$*' failed: ${said##*$'\n'}" 99
  printf 'Loaded the image %s with %s\n' "$image" "$1" >&2
}

# Kubelets tell which images they have, if not all of them and not at once.
is_on_nodes() {
  local names
  names=$(timeout 20 kubectl get nodes -o 'jsonpath={.items[*].status.images[*].names[*]}' 2>/dev/null) || return 0
  [[ " $names " == *" $1 "* || " $names " == *"/$1 "* ]]
}

# load_image IMAGE: into the kinds of cluster that take it from this machine's engine. One that is not built here is
# the cluster's own business.
load_image() {
  local image=$1 context
  docker image inspect "$image" >/dev/null 2>&1 || return 0
  context=$(kubectl config current-context 2>/dev/null || true)
  case $context in
    kind-*) load_quietly "$image" kind load docker-image "$image" --name "${context#kind-}" ;;
    k3d-*) load_quietly "$image" k3d image import "$image" --cluster "${context#k3d-}" ;;
    minikube) load_quietly "$image" minikube image load "$image" ;;
    *)
      is_on_nodes "$image" ||
        printf '%s\n' "The cluster of context '$context' does not say that it has the image $image. If its nodes take images from a registry alone, push it there (docker tag, docker push) and name it with LOGOS_BLOCKCHAIN_TESTNET_IMAGE." >&2
      ;;
  esac
}
