#!/usr/bin/env bash
# Builds muster and runs the example scenario: see usage() below.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=scripts/lib/packages.sh
source "$root/scripts/lib/packages.sh"
# shellcheck source=scripts/lib/build.sh
source "$root/scripts/lib/build.sh"
# shellcheck source=scripts/lib/cluster.sh
source "$root/scripts/lib/cluster.sh"

usage() {
  cat <<'TEXT'
usage: scripts/run/run-examples.sh -t SECONDS -n NODES [options] [host|compose|k8s]

Deploys NODES nodes, puts transactions on them for SECONDS of wall clock, judges the run and takes everything
down again. Installs with apt what is missing to build and run it, and says what.

  host (also: local)            nodes are processes of this machine; the default
  compose                       nodes are containers of a Docker engine, which must be there: else exits with 77
  k8s                           nodes are pods of the cluster that kubectl speaks to, which must be there: else
                                exits with 77. The image is loaded into kind, minikube and k3d; other clusters
                                may need it in a registry, named with LOGOS_BLOCKCHAIN_TESTNET_IMAGE

  -t, --run-seconds SECONDS     1 to 86400 (a day)
  -n, --nodes NODES             1 to 250
  --metrics-query-url URL       base URL of a Prometheus to name in run.json (alias: --external-prometheus)
  --no-image-build              use the container image as it is (LOGOS_BLOCKCHAIN_SKIP_IMAGE_BUILD=1)
  -h, --help                    print this

Each option also takes its value as --option=VALUE. docs/variables.md lists the variables; POL_PROOF_DEV_MODE is
true unless set.

exit: 0 passed; 1 failed, or wrong arguments; 77 cannot run here; 99 the environment failed
TEXT
}

usage_error() {
  fail "$1" 1
}

# check_number ARGUMENT VALUE LOWEST HIGHEST WHAT: prints the number without leading zeros.
check_number() {
  local argument=$1 value=$2 lowest=$3 highest=$4 what=$5 digits
  [[ $value =~ ^[0-9]+$ ]] ||
    usage_error "$argument is '$value', which is no whole number; give $what from $lowest to $highest"
  digits=${value##+(0)}
  digits=${digits:-0}
  if ((${#digits} > ${#highest} || digits < lowest || digits > highest)); then
    usage_error "$argument is '$value', which is out of range; give $what from $lowest to $highest"
  fi
  printf '%s\n' "$digits"
}

seconds=
nodes=
mode=host

set_option() {
  case $1 in
    -t | --run-seconds) seconds=$(check_number "$1" "$2" 1 86400 'seconds') ;;
    -n | --nodes) nodes=$(check_number "$1" "$2" 1 250 'nodes') ;;
    --metrics-query-url | --external-prometheus)
      [[ $2 =~ ^https?://[^[:space:]]+$ ]] ||
        usage_error "$1 is '$2', which is no URL; give one such as http://127.0.0.1:9090"
      export LOGOS_BLOCKCHAIN_METRICS_QUERY_URL=$2
      ;;
  esac
}

set_word() {
  case $1 in
    host | local) mode=host ;;
    compose | k8s) mode=$1 ;;
    *)
      # The original takes a bare number for the seconds, as long as -t did not come first.
      [[ $1 =~ ^[0-9]+$ && -z $seconds ]] ||
        usage_error "unknown argument '$1'; --help shows what there is"
      seconds=$(check_number 'the run time' "$1" 1 86400 'seconds')
      ;;
  esac
}

parse_arguments() {
  while (($# > 0)); do
    case $1 in
      -h | --help)
        usage
        exit 0
        ;;
      --no-image-build) export LOGOS_BLOCKCHAIN_SKIP_IMAGE_BUILD=1 ;;
      -t | --run-seconds | -n | --nodes | --metrics-query-url | --external-prometheus)
        (($# > 1)) || usage_error "$1 has no value; --help shows what it takes"
        set_option "$1" "$2"
        shift
        ;;
      -t=* | -n=* | --run-seconds=* | --nodes=* | --metrics-query-url=* | --external-prometheus=*)
        set_option "${1%%=*}" "${1#*=}"
        ;;
      -*) usage_error "unknown option '$1'; --help shows what there is" ;;
      *) set_word "$1" ;;
    esac
    shift
  done
  [[ -n $seconds ]] || usage_error 'the run time is missing; give it with -t SECONDS, such as -t 60'
  [[ -n $nodes ]] || usage_error 'the number of nodes is missing; give it with -n NODES, such as -n 3'
}

shopt -s extglob
parse_arguments "$@"
if [[ $mode == k8s ]]; then
  require_cluster
fi
if [[ $mode == compose ]]; then
  command -v docker >/dev/null ||
    fail "the compose runner needs a Docker engine, and there is no 'docker' command; install Debian's docker.io and docker-compose" 77
  complaint=$(timeout 20 docker version 2>&1 >/dev/null) ||
    fail "the compose runner needs a Docker engine, and none can be used: ${complaint##*$'\n'}" 77
fi

install_build_requirements
build release "$root/build-release" examples_suite muster_tool
[[ $mode == host ]] || "$root/scripts/build/build-test-image.sh"
[[ $mode != k8s ]] || load_image "${LOGOS_BLOCKCHAIN_TESTNET_IMAGE:-logos-blockchain-testing:local}"

# The scenario is chosen here, so what Check's filters say about others must not take it away.
unset CK_RUN_SUITE CK_INCLUDE_TAGS CK_EXCLUDE_TAGS
export CK_RUN_CASE=demo MUSTER_RUNNER=$mode
export LOGOS_BLOCKCHAIN_DEMO_NODES=$nodes LOGOS_BLOCKCHAIN_DEMO_RUN_SECS=$seconds
export POL_PROOF_DEV_MODE=${POL_PROOF_DEV_MODE:-true}
exec "$root/build-release/bin/examples_suite"
