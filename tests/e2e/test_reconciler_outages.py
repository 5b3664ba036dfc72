"""A reconciler loses its bus, its time or its memory, and every dispatch still has one ending."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen

import pytest

from tests.e2e.reconciling import SECONDS, Reconciler, Yard, open_yard
from tests.servers.server import Server
from tests.waiting import wait_until

if TYPE_CHECKING:
    from tests.cluster.cluster import Cluster


@pytest.fixture
def yard(cluster: "Cluster", namespace: str, valkey: Server, tmp_path: Path) -> Iterator[Yard]:
    with open_yard(cluster, namespace, valkey.url, tmp_path) as yard:
        yield yard


def test_what_ends_while_the_bus_is_away_is_told_when_it_is_back(yard: Yard, valkey: Server) -> None:
    """Jobs that ended in an outage: each once, and the outage is said."""
    reconciler = yard.reconcile()
    reconciler.wait_until_watching()
    valkey.kill()
    for name in ("a", "b"):
        yard.create_job(name, "exit 8")
    wait_until(lambda: reconciler.lines("outage_began"), "it notices", within=SECONDS, pause=0.1)
    wait_until(lambda: has_ended(yard, "a") and has_ended(yard, "b"), "both ended", within=SECONDS, pause=0.2)
    valkey.start()
    assert [yard.ending(name).exit_code for name in ("a", "b")] == [8, 8]
    wait_until(lambda: reconciler.lines("outage_ended"), "it says so", within=SECONDS, pause=0.1)
    assert len(reconciler.lines("outage_began")) == 1


def test_what_the_bus_has_lost_is_told_again(yard: Yard, valkey: Server) -> None:
    """A server that comes back empty gets every ending that the cluster still shows."""
    reconciler = yard.reconcile()
    yard.create_job("lost", "exit 9")
    assert yard.ending("lost").exit_code == 9
    valkey.client().flushall()
    valkey.restart()
    wait_until(lambda: reconciler.lines("bus_changed"), "it notices", within=SECONDS, pause=0.1)
    assert yard.ending("lost").exit_code == 9


def test_one_that_was_frozen_says_nothing_twice(yard: Yard) -> None:
    """Two side by side, one stopped in time: the other tells, and the first has nothing to add when it wakes."""
    frozen, other = yard.reconcile(), yard.reconcile()
    for one in (frozen, other):
        one.wait_until_watching()
    frozen.process.send_signal(signal.SIGSTOP)
    try:
        for name in ("a", "b", "c"):
            yard.create_job(name, "exit 4")
        assert [yard.ending(name).exit_code for name in ("a", "b", "c")] == [4, 4, 4]
    finally:
        frozen.process.send_signal(signal.SIGCONT)
    yard.create_job("d", "exit 5")
    assert yard.ending("d").exit_code == 5
    assert [len(yard.endings(name)) for name in ("a", "b", "c", "d")] == [1, 1, 1, 1]
    assert [yard.conflicts(name) for name in ("a", "b", "c", "d")] == [0, 0, 0, 0]


def test_probes_and_numbers_are_served(yard: Yard) -> None:
    """Ready once all was listed; what was published is counted."""
    reconciler = yard.reconcile("--health-port", "0")
    port = port_of(reconciler)
    reconciler.wait_until_watching()
    assert get(port, "/livez") == get(port, "/readyz") == "ok\n"
    yard.create_job("counted", "exit 7")
    yard.ending("counted")
    line = 'eightbells_reconciler_verdicts_total{code="exit_nonzero",status="ok"} 1.0'
    wait_until(lambda: line in get(port, "/metrics").splitlines(), "it is counted", within=SECONDS, pause=0.1)


def port_of(reconciler: Reconciler) -> int:
    lines = wait_until(lambda: reconciler.lines("serving"), "it serves", within=SECONDS, pause=0.1)
    return int(lines[0]["port"])


def get(port: int, path: str) -> str:
    with urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return str(answer.read().decode())


def has_ended(yard: Yard, name: str) -> bool:
    return any(pod.status.phase == "Failed" for pod in yard.pods(name))
