"""The cluster that the workers of a run share: whichever source has one. The first to ask starts it; the process that
began the run stops it, and looks for what was left behind.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

from kubernetes.client import ApiException
from urllib3.exceptions import HTTPError

from tests.cluster.cluster import Cluster
from tests.cluster.given import GivenCluster
from tests.cluster.leaks import wait_for_leaks
from tests.cluster.run import find_owner, k3s_kubeconfig, run_name
from tests.cluster.sources import KUBECONFIG, reason_against_ours


def choose_cluster(name: str) -> Cluster:
    """The cluster of this name, running or not."""
    if given := os.environ.get(KUBECONFIG):
        return GivenCluster(name, Path(given))
    if reason_against_ours() is None:
        return Cluster(name)
    # It takes half a second to import.
    from tests.cluster.k3s import K3s

    return K3s(name, k3s_kubeconfig(name))


def join_cluster() -> Cluster:
    """The run's cluster, at hand and running. Raises `BinariesMissing`, `NetworkError`."""
    return choose_cluster(run_name()).start(owner=find_owner())


@contextmanager
def private_cluster() -> Iterator[Cluster]:
    """A cluster of one node beside that of the run; it fails whoever leaves something behind."""
    name = f"{run_name()}.{token_hex(3)}"
    cluster = Cluster(name).start(1, find_owner())
    bridge = cluster.bridge
    try:
        yield cluster
    finally:
        cluster.stop()
    assert not (leaks := wait_for_leaks(name, bridge)), leaks


def end_cluster(name: str) -> list[str]:
    """Stop the run's cluster; return in a line each what it, or a test, has left behind."""
    cluster = choose_cluster(name)
    bridge = cluster.bridge
    try:
        namespaces = cluster.left_namespaces() if cluster.kubeconfig.exists() else []
        left = [f"namespace {each}" for each in namespaces]
    except (ApiException, HTTPError) as error:
        left = [f"an API server that does not answer: {' '.join(str(error).split())[:200]}"]
    cluster.stop()
    return [*left, *wait_for_leaks(name, bridge)]
