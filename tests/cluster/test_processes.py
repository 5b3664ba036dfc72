"""Processes of the cluster: whom a signal reaches."""

import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.cluster.processes import Process, list_processes


@pytest.fixture
def sleeping() -> Iterator[Process]:
    """A process that is in no hurry."""
    child = subprocess.Popen(["sleep", "1000"])
    process = Process.of(child.pid)
    assert process
    yield process
    child.kill()
    child.wait()


def test_a_process_is_ended(sleeping: Process) -> None:
    """`end` returns when it is over; a zombie is not alive."""
    assert sleeping in list_processes()
    sleeping.end(signal.SIGTERM)
    assert not sleeping.is_alive()
    assert Process.of(sleeping.pid) is None


def test_a_process_that_will_not_stop_is_killed() -> None:
    """Whoever ignores a signal is killed in the end; here the signal is one that ends nobody."""
    with subprocess.Popen(["sh", "-c", "trap '' TERM; echo ready; exec sleep 1000"], stdout=subprocess.PIPE) as child:
        assert child.stdout
        assert child.stdout.readline() == b"ready\n"
        process = Process.of(child.pid)
        assert process
        process.end(signal.SIGTERM, seconds=0.1)
        assert child.wait() == -signal.SIGKILL


def test_another_process_of_the_same_id_is_left_alone(sleeping: Process) -> None:
    """An id that now is somebody else's reaches nobody."""
    earlier = replace(sleeping, started=sleeping.started - 1)
    assert not earlier.is_alive()
    earlier.end(signal.SIGKILL)
    earlier.send(signal.SIGKILL)
    assert sleeping.is_alive()


def test_a_process_can_be_written_down(sleeping: Process) -> None:
    """What is read back is the same process."""
    assert Process.parse(str(sleeping)) == sleeping
