"""Where the system or our own code fails us, the init goes on: the exit code stands and a line says what is missing."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.wrapper.cgroups import Cgroup, make_cgroup
from tests.wrapper.wrapping import WRAPPER, Dispatch

FAILS = ("sh", "-c", "echo there; exit 7")
UNLOADABLE = ["pumps", "reporter", "record", "reports", "target", "results", "termination", "bus", "connection"]


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


@pytest.mark.parametrize("name", UNLOADABLE)
def test_a_module_that_cannot_be_loaded_costs_no_exit_code(dispatch: Dispatch, name: str) -> None:
    """Whatever part of the reporting is broken, the command runs and ends as it would have, and stderr says so."""
    breaks = f"import sys; sys.modules['eightbells.wrapper.{name}'] = None\n"
    ran = dispatch.run(*FAILS, program=[*WRAPPER[:-2], breaks + WRAPPER[-2], "--"])
    assert (ran.exit_code, ran.stdout) == (7, b"there\n")
    assert f"eightbells.wrapper.{name}".encode() in ran.stderr


@pytest.mark.parametrize("crash", ["MemoryError()", "SystemExit(3)", "RecursionError('deep')", "TypeError('a bug')"])
def test_a_crash_in_reporting_costs_no_exit_code(dispatch: Dispatch, crash: str) -> None:
    """A bug in the reporter's thread is a line on stderr."""
    breaks = f"from eightbells.wrapper import bus\ndef crash(*words): raise {crash}\nbus.Bus.publish = crash\n"
    start = WRAPPER[-2].replace("from eightbells.wrapper.main", breaks + "from eightbells.wrapper.main")
    ran = dispatch.run(*FAILS, program=[*WRAPPER[:-2], start, "--"])
    assert (ran.exit_code, ran.stdout) == (7, b"there\n")
    assert f"the ending was not published: {crash.partition('(')[0]}".encode() in ran.stderr
