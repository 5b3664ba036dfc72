"""The informer while its API server is restarted, forgets the past, and is set back to an older state."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.cluster.cluster import Cluster
from tests.e2e.informing import SECONDS, Roads, looking, roads
from tests.reconciler.informer.lookout import Lookout
from tests.waiting import wait_until


@pytest.fixture
def place(private_cluster: Cluster) -> Iterator[Roads]:
    """Jobs and pods of the test's own: three Jobs, and a pod of each."""
    with private_cluster.namespace() as namespace, roads(private_cluster, namespace) as place:
        for number in range(3):
            place.add_pod(f"pod-{number}", f"job-{number}", place.add_job(f"job-{number}"))
        yield place


@contextmanager
def following(place: Roads) -> Iterator[Lookout]:
    with looking(place.cluster.kubeconfig, place.namespace) as lookout:
        place.wait_until_same(lookout)
        yield lookout


def test_a_restart_of_the_api_server_and_a_compaction(private_cluster: Cluster, place: Roads) -> None:
    """Both end the watches, the second also makes their versions too old; nothing is missed, and nothing said twice."""
    with following(place) as lookout:
        uid = next(uid for uid, one in place.there().items() if one.name == "pod-0")
        place.remove_pod("pod-0")
        private_cluster.api_server.restart()
        place.add_job("after the restart".replace(" ", "-"))
        place.wait_until_same(lookout)
        private_cluster.compact()
        private_cluster.api_server.restart()
        place.change_job("job-0")
        place.wait_until_same(lookout)

    assert lookout.ended == {uid: 1}


def test_etcd_restored_from_a_backup(private_cluster: Cluster, place: Roads) -> None:
    """What came since is gone, what went since is back, and the versions are lower than those we know."""
    control_plane = private_cluster.control_plane
    data = private_cluster.directory / "control-plane" / "etcd"
    backup = private_cluster.directory / "control-plane" / "backup"
    with following(place) as lookout:
        with outage(private_cluster):
            shutil.copytree(data, backup)
        lost = place.add_job("since")
        back = next(uid for uid, one in place.there().items() if one.name == "pod-0")
        place.remove_pod("pod-0")
        for _ in range(20):
            place.change_job("job-0")
        place.wait_until_same(lookout)
        assert lookout.ended == {back: 1}
        with outage(private_cluster):
            shutil.rmtree(data)
            shutil.move(backup, data)

        place.wait_until_same(lookout)
        place.change_job("job-1")
        place.wait_until_same(lookout)
        wait_until(lambda: lookout.ended[lost], "what came since is announced as gone", within=SECONDS)
        assert back in lookout.living()

    assert lookout.ended == {back: 1, lost: 1}
    assert control_plane.is_ready()


@contextmanager
def outage(cluster: Cluster) -> Iterator[None]:
    """Neither API server nor etcd runs meanwhile."""
    cluster.api_server.stop()
    cluster.control_plane.etcd.stop()
    yield
    cluster.control_plane.etcd.start()
    cluster.api_server.start()
