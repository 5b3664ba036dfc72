"""As the first process of a container, which the kernel spares every signal that it has not asked for."""

import os
import shutil
import signal
import subprocess

import pytest

from tests.waiting import wait_until
from tests.wrapper.wrapping import Dispatch, Wrapping, children

UNSHARE = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")


def reason_against() -> str:
    """Why there can be no PID namespace here; '' where there can."""
    if shutil.which("unshare") is None:
        return "unshare (util-linux) is not installed"
    tried = subprocess.run([*UNSHARE, "true"], capture_output=True, text=True, check=False)
    return f"no PID namespace can be made here: {tried.stderr.strip()}" if tried.returncode else ""


pytestmark = pytest.mark.skipif(bool(reason_against()), reason=reason_against() or "-")


def test_it_is_the_first_process(init: Wrapping) -> None:
    """The command's parent is PID 1, and that is the wrapper."""
    ran = init.run("sh", "-c", "echo $PPID; tr '\\0' ' ' < /proc/1/cmdline", prefix=UNSHARE)
    assert ran.stdout.startswith(b"1\n")
    assert b"eightbells.wrapper.main" in ran.stdout


@pytest.mark.parametrize("code", [0, 7, 255])
def test_exit_codes_pass(dispatch: Dispatch, code: int) -> None:
    """The namespace ends with the command's exit code, and the event has it."""
    assert dispatch.run("sh", "-c", f"exit {code}", prefix=UNSHARE).exit_code == code
    assert dispatch.ending.exit_code == code


def test_termination_from_outside_reaches_the_command(dispatch: Dispatch) -> None:
    """A TERM for PID 1, as the container runtime sends it, ends the command."""
    process = dispatch.start("sleep", "60", prefix=UNSHARE)
    dispatch.wait_for("running")
    (first,) = wait_until(lambda: children(process.pid), "the namespace has its first process")
    os.kill(first, signal.SIGTERM)
    assert process.finish().exit_code == 143
    assert (dispatch.ending.code, dispatch.ending.terminated_by) == ("signalled", "SIGTERM")


def test_stdout_of_the_first_process_can_be_written_to_where_that_is_asked_for(dispatch: Dispatch) -> None:
    """`> /proc/1/fd/1`, as images of daemons do: with EIGHTBELLS_DUMPABLE=1 it arrives, and is refused without."""
    script = "echo hello > /proc/1/fd/1 || exit 3"
    assert dispatch.run("sh", "-c", script, prefix=UNSHARE, env={"EIGHTBELLS_DUMPABLE": "1"}).stdout == b"hello\n"
    again = {"EIGHTBELLS_STOP_IF_ENDED": "0"}
    ran = dispatch.run("setpriv", "--bounding-set", "-all", "sh", "-c", script, prefix=UNSHARE, env=again)
    assert ran.stdout == b""
    assert b"Permission denied" in ran.stderr


def test_orphans_are_buried(init: Wrapping) -> None:
    """A hundred orphans leave no zombie while the command lives on."""
    script = "for i in $(seq 100); do (sh -c 'exit 3' &) ; done; echo left; exec sleep 60"
    process = init.start("sh", "-c", script, prefix=UNSHARE)
    process.hears(b"left\n")
    (first,) = children(process.pid)
    wait_until(lambda: len(children(first)) == 1, "only the command is left")
    os.kill(first, signal.SIGTERM)
    assert process.finish().exit_code == 143


def test_what_is_left_behind_ends_with_it(init: Wrapping) -> None:
    """An orphan that holds the output does not keep the container alive."""
    ran = init.run("sh", "-c", "setsid sleep 60 & exit 6", prefix=UNSHARE)
    assert ran.exit_code == 6
