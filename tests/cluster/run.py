"""The cluster of one run of the tests: whichever source has one. All workers of the run share it, the first to ask
starts it, and the process that began the run stops it and looks for what was left behind.

The name of the run travels in the environment, so whatever a test starts carries it, too.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

from tests.cluster.cluster import Cluster
from tests.cluster.given import KUBECONFIG, GivenCluster
from tests.cluster.leaks import wait_for_leaks
from tests.cluster.machine import MARK
from tests.cluster.plan import ROOT
from tests.cluster.processes import Process
from tests.cluster.sources import reason_against_ours


def begin_run() -> str | None:
    """Name the run, unless somebody has; return the name if it is ours to end."""
    if MARK in os.environ:
        return None
    process = Process.ours()
    os.environ[MARK] = f"run-{process.pid}-{process.started}"
    return os.environ[MARK]


def join_run() -> Cluster:
    """The run's cluster, at hand and running. Raises `BinariesMissing`, `NetworkError`."""
    return choose_cluster(os.environ[MARK]).start(owner=find_owner())


def find_owner() -> Process | None:
    """The process that began the run; somebody who has named a cluster of his own keeps it."""
    kind, *numbers = os.environ[MARK].split("-")
    return Process(*map(int, numbers)) if kind == "run" else None


@contextmanager
def private_cluster() -> Iterator[Cluster]:
    """A cluster of one node beside that of the run; it fails whoever leaves something behind."""
    name = f"{os.environ[MARK]}.{token_hex(3)}"
    cluster = Cluster(name).start(1, find_owner())
    bridge = cluster.bridge
    try:
        yield cluster
    finally:
        cluster.stop()
    assert not (leaks := wait_for_leaks(name, bridge)), leaks


def choose_cluster(name: str) -> Cluster:
    """The cluster of this name, running or not."""
    if given := os.environ.get(KUBECONFIG):
        return GivenCluster(name, Path(given))
    if reason_against_ours() is None:
        return Cluster(name)
    # It takes half a second to import.
    from tests.cluster.k3s import K3s

    return K3s(name, _k3s_kubeconfig(name))


def end_run(name: str) -> list[str]:
    """Stop the run's cluster; return in a line each what it, or a test, has left behind."""
    if not (ROOT / name).exists() and not _k3s_kubeconfig(name).exists() and not os.environ.get(KUBECONFIG):
        return []
    cluster = choose_cluster(name)
    bridge = cluster.bridge
    namespaces = [f"namespace {each}" for each in cluster.left_namespaces()]
    cluster.stop()
    return [*namespaces, *wait_for_leaks(name, bridge)]


def _k3s_kubeconfig(name: str) -> Path:
    return Path(tempfile.gettempdir()) / f"eightbells-{name}.kubeconfig"
