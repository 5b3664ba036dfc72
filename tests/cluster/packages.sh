#!/usr/bin/env bash
# packages.sh [--missing] [PROGRAM=PACKAGE…]: installs what of Debian the test cluster needs and the machine lacks, and
# the packages named besides; with --missing it only lists them. What it installs starts no service.
set -eu
export DEBIAN_FRONTEND=noninteractive PATH="$PATH:/usr/sbin:/sbin"

needs=(
    containerd=containerd
    runc=runc
    /usr/lib/cni/bridge=containernetworking-plugins
    ip=iproute2
    catatonit=catatonit
    /usr/share/doc/busybox-static=busybox-static
    openssl=openssl
    unshare=util-linux
    # For the images that the tests run: a docker on PATH may have no engine, and this one needs none.
    buildah=buildah
    mmdebstrap=mmdebstrap
)

has() {
    for program in ${1//|/ }; do
        [ -e "$program" ] || command -v "$program" >/dev/null && return
    done
    return 1
}

is_dry=
if [ "${1:-}" = --missing ]; then
    is_dry=yes
    shift
fi

missing=()
for need in "${needs[@]}" "$@"; do
    has "${need%%=*}" || missing+=("${need#*=}")
done

if [ -n "$is_dry" ]; then
    printf '%s\n' "${missing[@]}"
    exit
fi
[ ${#missing[@]} -gt 0 ] || exit 0

install="apt-get install --no-install-recommends ${missing[*]}"
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    printf 'programs are missing: say %s\n' "$install" >&2
    exit 1
fi
printf 'programs are missing: %s\n' "$install" >&2

# Debian's packages start their services when installed, unless this file says no (101).
if [ ! -e /usr/sbin/policy-rc.d ]; then
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod +x /usr/sbin/policy-rc.d
fi
apt-get -qq update
apt-get -qq install --yes --no-install-recommends "${missing[@]}" >/dev/null
