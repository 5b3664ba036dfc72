"""A signal for the container reaches the command's process group; whoever told it to stop is named."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.servers.processes import is_alive
from tests.waiting import wait_until
from tests.wrapper.wrapping import AS_SUBREAPER, PYTHON, Dispatch, Wrapping, children

PRINTER = """import _signal, posix
caught = []
for number in _signal.valid_signals() - {9, 19}:
    if number != _signal.SIGCHLD:
        _signal.signal(number, lambda number, frame: posix.write(1, b'%d\\n' % number))
posix.write(1, b'ready\\n')
while True: _signal.pause()
"""
CATCHABLE = sorted(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD})
SUSPENDING = {signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU}
IGNORING = "trap '' TERM; echo ready; while :; do sleep 0.05; done"


def test_every_catchable_signal_arrives_once(init: Wrapping) -> None:
    """Whatever the wrapper is sent, the command is sent, and nothing more."""
    process = init.start(*PYTHON, PRINTER)
    process.hears(b"ready\n")
    for number in CATCHABLE:
        if number not in SUSPENDING:
            process.send_signal(number)
            process.hears(b"%d\n" % number)
    process.kill()


@pytest.mark.parametrize("number", sorted(SUSPENDING), ids=lambda number: signal.Signals(number).name)
def test_a_suspended_wrapper_suspends_its_command(init: Wrapping, number: int) -> None:
    """A stop signal reaches the command and stops the wrapper; SIGCONT wakes both."""
    process = init.start("sh", "-c", "echo ready; read line; echo $line", stdin=-1)
    process.hears(b"ready\n")
    command = process.command
    process.send_signal(number)
    wait_until(lambda: state(process.pid) == state(command) == "T", "both are stopped")
    process.send_signal(signal.SIGCONT)
    wait_until(lambda: state(process.pid) != "T" and state(command) != "T", "both go on")
    assert process.finish(b"on\n").stdout == b"on\n"


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_signal_reaches_the_whole_process_group(init: Wrapping) -> None:
    """A shell that waits for a child does not keep the signal from it."""
    process = init.start("sh", "-c", "sleep 60 & echo $!; wait")
    assert process.stdout is not None
    child = int(process.stdout.readline())
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 143
    wait_until(lambda: not is_alive(child), "the child is dead, too")


def test_a_termination_that_is_handled_is_a_success_and_says_who_asked(dispatch: Dispatch) -> None:
    """A command that answers SIGTERM with exit 0 has completed, and the event names the signal."""
    process = dispatch.start("sh", "-c", "trap 'exit 0' TERM; echo ready; sleep 60 & wait")
    process.hears(b"ready\n")
    process.send_signal(signal.SIGTERM)
    assert process.finish().exit_code == 0
    ending = dispatch.ending
    assert (ending.state, ending.code, ending.terminated_by) == ("completed", "exited_zero", "SIGTERM")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=lambda number: number.name)
def test_death_by_a_signal_from_outside_names_it_twice(dispatch: Dispatch, number: signal.Signals) -> None:
    """As what killed the command, and as what it was told by."""
    process = dispatch.start("sleep", "60")
    dispatch.wait_for("running")
    process.send_signal(number)
    assert process.finish().exit_code == 128 + number
    ending = dispatch.ending
    assert (ending.code, ending.signal, ending.terminated_by) == ("signalled", number.name, number.name)


def test_a_command_that_ignores_termination_is_killed_before_the_grace_is_over(dispatch: Dispatch) -> None:
    """TERM is followed by KILL at the grace less the reserve, and the event is published in the reserve."""
    grace = {"EIGHTBELLS_GRACE": "4s", "EIGHTBELLS_RESERVE": "3s"}
    process = dispatch.start("sh", "-c", IGNORING, env=grace)
    process.hears(b"ready\n")
    process.send_signal(signal.SIGTERM)
    assert process.finish().exit_code == 137
    ending = dispatch.ending
    assert (ending.code, ending.signal, ending.terminated_by) == ("signalled", "SIGKILL", "SIGTERM, SIGKILL")


def test_what_left_the_process_group_is_killed_with_the_command(init: Wrapping) -> None:
    """Where we are not PID 1, the kill at the end of the grace reaches those who made a session of their own."""
    script = "trap '' TERM; setsid sh -c 'echo $$; while :; do sleep 0.05; done' & wait; wait"
    process = init.start("sh", "-c", script, prefix=AS_SUBREAPER, env={"EIGHTBELLS_GRACE": "300ms"})
    assert process.stdout is not None
    straggler = int(process.stdout.readline())
    try:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 137
        wait_until(lambda: not is_alive(straggler), "the straggler is dead, too", within=5)
    finally:
        with suppress(ProcessLookupError):
            os.kill(straggler, signal.SIGKILL)


def test_a_second_termination_does_not_hurry_the_kill(init: Wrapping) -> None:
    """TERM twice reaches the command twice, and its grace counts from the first."""
    grace = {"EIGHTBELLS_GRACE": "2s", "EIGHTBELLS_RESERVE": "0"}
    process = init.start("sh", "-c", "trap 'echo got' TERM; echo ready; while :; do sleep 0.02; done", env=grace)
    process.hears(b"ready\n")
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.hears(b"got\n")
    process.send_signal(signal.SIGTERM)
    process.hears(b"got\n")
    assert process.finish().exit_code == 137
    assert time.monotonic() - begun >= 2


def test_an_interruption_before_a_termination_does_not_hurry_the_kill(dispatch: Dispatch) -> None:
    """INT, then TERM: the command gets both in turn, its grace is TERM's, and the event names both."""
    script = "trap 'echo int' INT; trap 'echo term; exit 3' TERM; echo ready; while :; do sleep 0.01; done"
    process = dispatch.start("sh", "-c", script)
    process.hears(b"ready\n")
    process.send_signal(signal.SIGINT)
    process.hears(b"int\n")
    process.send_signal(signal.SIGTERM)
    ran = process.finish()
    assert (ran.exit_code, ran.stdout) == (3, b"term\n")
    assert (dispatch.ending.code, dispatch.ending.terminated_by) == ("exit_nonzero", "SIGINT, SIGTERM")


def test_a_timeout_ends_the_command_with_its_output(dispatch: Dispatch) -> None:
    """At EIGHTBELLS_TIMEOUT the command is told to stop; what it wrote is in the event."""
    process = dispatch.start("sh", "-c", "echo working; exec sleep 60", env={"EIGHTBELLS_TIMEOUT": "300ms"})
    assert process.finish().exit_code == 143
    ending = dispatch.ending
    assert (ending.state, ending.code, ending.signal) == ("failed", "deadline_exceeded", "SIGTERM")
    assert (ending.terminated_by, ending.fault) == ("timeout", "user")
    assert ending.stdout is not None
    assert ending.stdout.tail == "working\n"
    assert "0.3 s" in (ending.message or "")


def test_a_timeout_that_is_ignored_ends_with_a_kill(dispatch: Dispatch) -> None:
    """A command that does not obey its deadline is killed."""
    times = {"EIGHTBELLS_TIMEOUT": "300ms", "EIGHTBELLS_GRACE": "400ms", "EIGHTBELLS_RESERVE": "100ms"}
    assert dispatch.run("sh", "-c", IGNORING, env=times).exit_code == 137
    assert (dispatch.ending.code, dispatch.ending.terminated_by) == ("deadline_exceeded", "timeout, SIGKILL")


def test_exit_0_at_the_deadline_is_no_success(dispatch: Dispatch) -> None:
    """A command that was told to stop by its deadline has not done its work, whatever it exits with."""
    script = "trap 'exit 0' TERM; sleep 60 & wait"
    assert dispatch.run("sh", "-c", script, env={"EIGHTBELLS_TIMEOUT": "300ms"}).exit_code == 0
    assert (dispatch.ending.state, dispatch.ending.code, dispatch.ending.exit_code) == (
        "failed",
        "deadline_exceeded",
        0,
    )


def test_termination_while_the_ending_is_published_changes_nothing(dispatch: Dispatch) -> None:
    """A TERM that comes after the command's death told it nothing, and the exit code stands."""
    nobody = {"EIGHTBELLS_URL": "redis://127.0.0.1:1/0", "EIGHTBELLS_PUBLISH_TIMEOUT": "2s"}
    process = dispatch.start("sh", "-c", "read go; exit 5", env=nobody, stdin=subprocess.PIPE)
    assert process.command
    assert process.stdin is not None
    process.stdin.write(b"go\n")
    process.stdin.flush()
    wait_until(lambda: not children(process.pid), "the command is dead")
    for _ in range(20):
        process.send_signal(signal.SIGTERM)
    assert process.finish().exit_code == 5
