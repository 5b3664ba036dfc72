#!/usr/bin/env bash
# ci_engine.sh COMMAND…: runs the command with a Docker engine and images of the newest Redis and Python that Debian has.
# Where an engine answers it is used, else a private one is started; afterwards nothing of either is left, neither a
# process, mount or network interface nor an image. Needs Debian, root, docker.io, mmdebstrap and iproute2.
set -eu

readonly SUITE=trixie
PATH="$PATH:/usr/sbin:/sbin"
# Not in TMPDIR: the sockets in it must have short names.
home=$(mktemp -d /tmp/eightbells-engine.XXXXXX)
bridge=eb$$
redis=eightbells-test-redis:$$ python=eightbells-test-python:$$
engine=

main() {
    trap finish EXIT
    trap 'exit 143' TERM INT HUP
    docker version >"$home/answer" 2>&1 || start_engine
    make_image "$redis" redis-server --change 'ENTRYPOINT ["/usr/bin/redis-server"]'
    make_image "$python" dash,python3,python3-pip
    export EIGHTBELLS_TEST_REDIS_IMAGE=$redis EIGHTBELLS_TEST_PYTHON_IMAGE=$python
    TESTCONTAINERS_RYUK_DISABLED=true "$@"
}

# Without iptables, and so without a change to the machine's network but for a bridge of our own: published ports are
# served by docker-proxy. It ends with us even when we are killed.
start_engine() {
    make_bridge
    export DOCKER_HOST=unix://$home/docker.sock
    setpriv --pdeathsig TERM dockerd --host "$DOCKER_HOST" --pidfile "$home/pid" \
        --data-root "$home/data" --exec-root "$home/run" --containerd-namespace "$bridge" \
        --iptables=false --ip6tables=false --ip-forward=false --bridge "$bridge" >"$home/log" 2>&1 &
    engine=$!
    for _ in $(seq 300); do
        docker version >"$home/answer" 2>&1 && return
        kill -0 "$engine" 2>/dev/null || break
        sleep 0.1
    done
    fail "dockerd does not answer on $DOCKER_HOST" "$home/log"
}

# The first /24 of 10.201.0.0/16 that no interface has, beginning at one that another run is not likely to try.
make_bridge() {
    ip link add name "$bridge" type bridge
    for step in $(seq 0 255); do
        net=10.201.$((($$ + step) % 256))
        ip -oneline -4 address | grep -qF " $net." && continue
        ip address add "$net.1/24" dev "$bridge"
        ip link set "$bridge" up
        return
    done
    fail "no free network in 10.201.0.0/16 for the engine's bridge" /dev/null
}

# make_image NAME PACKAGES IMPORT-OPTIONS…: unpacked, not installed; a program needs its files and libraries, no more.
make_image() {
    from=$(mirror)
    mmdebstrap --quiet --variant=extract --include="base-files,$2" "$SUITE" "$home/root.tar" "$from" \
        >"$home/answer" 2>&1 || fail "$2 of Debian $SUITE cannot be had from '$from'" "$home/answer"
    docker import "${@:3}" "$home/root.tar" "$1" >"$home/answer" 2>&1 \
        || fail "the engine does not take the image" "$home/answer"
    rm "$home/root.tar"
}

# Where this machine gets its own Debian from.
mirror() {
    # shellcheck disable=SC2016  # the words with a dollar are apt's
    apt-get indextargets --format '$(ORIGIN) $(CODENAME) $(REPO_URI)' 'Created-By: Packages' \
        | awk -v own="$(awk -F= '$1 == "VERSION_CODENAME" { print $2 }' /etc/os-release)" \
            '$1 == "Debian" && $2 == own && !seen++ { print $3 }'
}

fail() {
    printf '%s: %s\n' "$0" "$1" >&2
    tail -n 20 "$2" >&2
    exit 1
}

finish() {
    if [ -n "$engine" ]; then
        kill "$engine" 2>/dev/null || true
        wait "$engine" || true
    else
        docker image rm --force "$redis" "$python" >"$home/answer" 2>&1 || true
    fi
    ip link delete "$bridge" 2>/dev/null || true
    awk -v home="$home/" 'index($2, home) == 1 { print $2 }' /proc/mounts | sort -r | xargs --no-run-if-empty umount
    rm -rf "$home"
}

main "$@"
