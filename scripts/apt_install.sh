#!/usr/bin/env bash
# Install Debian packages as root or by a sudo that asks nothing; else say the command and fail.
set -euo pipefail

if ! command -v apt-get >/dev/null; then
    exit 1
elif [ "$(id -u)" = 0 ]; then
    sudo=()
elif sudo -n true 2>/dev/null; then
    sudo=(sudo -n)
else
    echo "Please run: sudo apt-get update && sudo apt-get install --yes $*" >&2
    exit 1
fi

echo "Installing $* with apt-get" >&2
apt() {
    ${sudo[@]+"${sudo[@]}"} env DEBIAN_FRONTEND=noninteractive \
        apt-get -o Dpkg::Use-Pty=0 "$@" </dev/null >/dev/null
}
# The package list of a fresh machine is empty, that of an old one out of date.
apt update -qq || true
apt install --yes -qq --no-install-recommends "$@"
