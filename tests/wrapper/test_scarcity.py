"""Where the system or our own code fails us, the init goes on: the exit code stands and a line says what is missing."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.wrapper.cgroups import Cgroup, make_cgroup
from tests.wrapper.wrapping import Dispatch

FAILS = ("sh", "-c", "echo there; exit 7")


@pytest.fixture
def few(dispatch: Dispatch) -> Iterator[Cgroup]:
    """A cgroup in which processes and threads can be limited."""
    with make_cgroup("pids") as cgroup:
        yield cgroup
        for pid in cgroup.processes:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("limit", [2, 3, 4])
def test_too_few_threads_cost_no_exit_code(dispatch: Dispatch, few: Cgroup, limit: int) -> None:
    """Where the limit of processes leaves no thread for output or report, the command runs as it would have."""
    few.write("pids.max", limit)
    ran = dispatch.run(*FAILS, prefix=few.enter)
    assert (ran.exit_code, ran.stdout) == (7, b"there\n")
    assert dispatch.ending.exit_code == 7
    assert (b"is not captured: " in ran.stderr) == (limit == 2)
