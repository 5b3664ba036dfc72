"""What the command can do to us: end us, stop us, starve us, or look as if somebody outside had told it to end."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.security.attackers import CONTAINER, NOBODY, ROOT, WRAPPER, attack
from tests.security.crash import crash
from tests.waiting import wait_until
from tests.wrapper.wrapping import Dispatch

COMMON = pytest.mark.parametrize("who", [NOBODY, ROOT], ids=["nobody", "root"])
SHOWN = {"EIGHTBELLS_DUMPABLE": "1"}
DEADLY = (signal.SIGKILL, signal.SIGSTOP)
Words = tuple[str, ...]


@COMMON
def test_deadly_signals_to_pid_1(dispatch: Dispatch, who: Words) -> None:
    """The kernel spares the first process of a container what its own processes send: neither KILL nor STOP."""
    ran = dispatch.run(*attack("signal", *map(int, DEADLY)), prefix=(*CONTAINER, *who), program=WRAPPER)
    assert (ran.exit_code, ran.stdout) == (0, b"sent")
    assert dispatch.states == ["running", "completed"]


def end_of_wrapper(dispatch: Dispatch, log: Path, prefix: Words, *words: str) -> int:
    """Run the words once word is left that they run, see that there is no ending; return the exit code."""
    process = dispatch.start(
        "sh", "-c", 'read go; exec "$@"', "sh", *words, prefix=prefix, program=WRAPPER, stdin=subprocess.PIPE
    )
    dispatch.wait_for("running")
    wait_until(lambda: b'"state":"running"' in log.read_bytes(), "the provisional record")
    ran = process.finish(b"go\n")
    assert dispatch.states == ["running"]
    assert b'"state":"running"' in log.read_bytes()
    return ran.exit_code


@COMMON
def test_deadly_signals_beside_pid_1(dispatch: Dispatch, log: Path, who: Words) -> None:
    """Where we are not the first process, the command can kill us; the provisional record says that it ran."""
    assert end_of_wrapper(dispatch, log, who, *attack("signal", int(signal.SIGKILL))) == -signal.SIGKILL


@COMMON
def test_pretended_termination(dispatch: Dispatch, who: Words) -> None:
    """A TERM that the command sends us looks like one from outside, so that a run alone does not end its dispatch."""
    script = "trap 'exit 7' TERM; kill -TERM 1; while :; do sleep 1; done"
    pod = {"EIGHTBELLS_POD_UID": "uid"}
    assert dispatch.run("sh", "-c", script, prefix=(*CONTAINER, *who), program=WRAPPER, env=pod).exit_code == 7
    ended = dispatch.wait_for("attempt_ended")
    assert (ended.code, ended.exit_code, ended.terminated_by) == ("exit_nonzero", 7, "SIGTERM")


def sacrificed(dispatch: Dispatch, who: Words, told: dict[str, str]) -> bytes:
    """What becomes of it when the command raises the wrapper's score."""
    return dispatch.run(*attack("sacrifice"), prefix=(*CONTAINER, *who), program=WRAPPER, env=told).stdout


def test_oom_score(dispatch: Dispatch) -> None:
    """Without rights the command cannot make us the one whom the kernel kills when memory is short."""
    assert sacrificed(dispatch, NOBODY, {}) == b"refused EACCES"
    assert sacrificed(dispatch, NOBODY, {**SHOWN, "EIGHTBELLS_STOP_IF_ENDED": "0"}) == b"1000\n"


def test_oom_score_as_root(dispatch: Dispatch) -> None:
    """Root can."""
    assert sacrificed(dispatch, ROOT, {}) == b"1000\n"


@COMMON
def test_limits(dispatch: Dispatch, log: Path, who: Words) -> None:
    """A command of our user can leave us no processor time, which ends the container; the provisional record stays."""
    assert end_of_wrapper(dispatch, log, (*CONTAINER, *who), *attack("exhaust"))


@pytest.mark.parametrize(("told", "leaves_core"), [({}, False), (SHOWN, True)], ids=["hidden", "shown"])
def test_core(secretive: Dispatch, shared: Path, told: dict[str, str], leaves_core: bool) -> None:
    """A crash of ours leaves no core, in which the password would be."""
    process = secretive.start(
        "sleep", "60", prefix=("prlimit", "--core=unlimited", *NOBODY), program=WRAPPER, env=told, cwd=shared
    )
    assert process.command
    status = crash(process.pid)
    assert os.WTERMSIG(status) == signal.SIGSEGV
    assert os.WCOREDUMP(status) == leaves_core


@COMMON
def test_inherited_descriptors(dispatch: Dispatch, who: Words) -> None:
    """The command inherits no descriptor of ours, and each that the container was given."""
    given, other = os.pipe()
    ran = dispatch.run(*attack("descriptors"), prefix=(*CONTAINER, *who), program=WRAPPER, pass_fds=[given])
    expected = f"pipe:[{os.fstat(given).st_ino}]"
    os.close(given)
    os.close(other)
    assert ran.stdout.decode() == expected
