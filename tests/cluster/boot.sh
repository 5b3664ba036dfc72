#!/bin/sh
# boot.sh DIRECTORY [PROGRAMS]: the first process of a machine, in PID and mount namespaces of its own. Where it is told
# of a directory of programs the machine is a node: it gets a /run, /var/lib and /var/log of its own, which nobody
# outside sees, and the programs in /run/bin. `booted` in the directory says, at the end, which process this is outside.
set -eu

# The host's /proc, still: so this is our id outside.
read -r pid _ </proc/self/stat
# Opened now, because our own /var/lib may hide the place.
exec 3>"$1/booted"

mount --make-rshared /
mount -t proc proc /proc

# pretend NAME VALUE: the machine sees a kernel setting as it would have it, and leaves that of the host alone.
pretend() {
    file=/run/settings/$(echo "$1" | tr / -)
    echo "$2" >"$file"
    mount --bind "$file" "/proc/sys/$1"
}

if [ $# -gt 1 ]; then
    resolver=$(readlink -f /etc/resolv.conf)
    cp "$resolver" "$1/disk/resolv.conf"
    mount -t tmpfs -o mode=755 tmpfs /run
    mkdir -p /run/bin /run/settings "$(dirname "$resolver")"
    touch "$resolver"
    mount --bind "$1/disk/resolv.conf" "$resolver"
    mount --bind "$2" /run/bin

    # What kubelets set for the whole host, unless they find it set.
    pretend vm/overcommit_memory 1
    pretend vm/panic_on_oom 0
    pretend kernel/panic 10
    pretend kernel/panic_on_oops 1
    pretend kernel/keys/root_maxkeys 1000000
    pretend kernel/keys/root_maxbytes 25000000
    # A machine that was without power boots anew, and its kubelet tells the API server so.
    pretend kernel/random/boot_id "$(cat /proc/sys/kernel/random/uuid)"

    mount --bind "$1/disk/log" /var/log
    mount --bind "$1/disk/lib" /var/lib
fi

echo "$pid" >&3
exec 3>&-
exec catatonit -P
