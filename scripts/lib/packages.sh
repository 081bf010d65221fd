# Installs the Debian packages that a script needs and this machine has not. Sourced by bash scripts.
# shellcheck shell=bash

# What muster itself is built with: a command, file or pkg-config module, and the package that has it.
build_requirements=(
  command:cc=gcc
  command:make=make
  command:cmake=cmake
  command:pkg-config=pkg-config
  file:/usr/include/stdio.h=libc6-dev
  module:check=check
  module:libcurl=libcurl4-openssl-dev
  module:jansson=libjansson-dev
  module:libmicrohttpd=libmicrohttpd-dev
  module:libsodium=libsodium-dev
)

# What the tests run beside it. Nobody needs the service that Debian makes of etcd.
test_requirements=(
  command:etcd=etcd-server
)

fail() {
  printf '%s: %s\n' "${0##*/}" "$1" >&2
  exit "$2"
}

is_present() {
  local kind=${1%%:*} name=${1#*:}
  case $kind in
    command) command -v "$name" >/dev/null ;;
    file) [[ -e $name ]] ;;
    module) command -v pkg-config >/dev/null && pkg-config --exists "$name" ;;
  esac
}

# As root directly, else through sudo, which asks for its password on the terminal.
as_root() {
  if ((EUID == 0)); then
    "$@"
  else
    sudo "$@"
  fi
}

# Prints what apt said only where it failed.
apt_install() {
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300) said
  if ! said=$(as_root "${apt[@]}" update </dev/null 2>&1 &&
    as_root "${apt[@]}" install -y --no-install-recommends "$@" </dev/null 2>&1); then
    printf '%s\n' "$said" >&2
    return 1
  fi
}

# install_missing REQUIREMENT...: installs what is absent, having said what; exits with 99 where it cannot.
install_missing() {
  local requirement missing=()
  for requirement in "$@"; do
    is_present "${requirement%=*}" || missing+=("${requirement##*=}")
  done
  ((${#missing[@]} > 0)) || return 0
  command -v apt-get >/dev/null ||
    fail "these Debian packages, or what stands for them here, are missing, and there is no apt-get to install them: ${missing[*]}" 99
  ((EUID == 0)) || command -v sudo >/dev/null ||
    fail "these packages are missing, and only root can install them: ${missing[*]}" 99
  printf 'Installing what is missing, with apt: %s\n' "${missing[*]}" >&2
  apt_install "${missing[@]}" || fail "apt could not install: ${missing[*]}" 99
}

install_build_requirements() {
  install_missing "${build_requirements[@]}"
}

install_test_requirements() {
  install_missing "${build_requirements[@]}" "${test_requirements[@]}"
}
