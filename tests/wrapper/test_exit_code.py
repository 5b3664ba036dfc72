"""The exit code of the container is the command's, and the event says the same and why."""

import signal

import pytest

from tests.wrapper.wrapping import Dispatch, Wrapping

KILLING = [signal.SIGABRT, signal.SIGALRM, signal.SIGHUP, signal.SIGINT, signal.SIGSEGV, signal.SIGTERM, signal.SIGUSR1]


@pytest.mark.parametrize("codes", [range(start, start + 32) for start in range(0, 256, 32)], ids=lambda codes: codes[0])
def test_every_exit_code_passes(init: Wrapping, codes: range) -> None:
    """Each of the 256 exit codes is passed on."""
    wrappers = [init.start("sh", "-c", f"exit {code}") for code in codes]
    assert [wrapper.finish().exit_code for wrapper in wrappers] == list(codes)


@pytest.mark.parametrize("code", [1, 64, 65, 75, 125, 126, 127, 137, 143, 255])
def test_a_code_with_a_meaning_elsewhere_is_still_the_users(dispatch: Dispatch, code: int) -> None:
    """A command that exits with what a shell or a kernel might have said is reported as having exited with it."""
    ending = dispatch.end("sh", "-c", f"exit {code}")
    assert (ending.state, ending.code, ending.exit_code, ending.signal) == ("failed", "exit_nonzero", code, None)
    assert (ending.fault, ending.retryable, ending.charged) == ("user", "caller", True)


def test_success_is_completed(dispatch: Dispatch) -> None:
    """A command that exits with 0 completes its dispatch, and nobody is to blame."""
    assert dispatch.run("true").exit_code == 0
    ending = dispatch.ending
    assert dispatch.states == ["running", "completed"]
    assert (ending.code, ending.exit_code, ending.fault, ending.charged) == ("exited_zero", 0, "none", None)


@pytest.mark.parametrize("number", KILLING, ids=lambda number: number.name)
def test_death_by_a_signal_is_128_more(dispatch: Dispatch, number: signal.Signals) -> None:
    """A command that a signal ended gives 128 and its number, and the event names it."""
    ran = dispatch.run("sh", "-c", f"ulimit -c 0; kill -{int(number)} $$")
    ending = dispatch.ending
    assert ran.exit_code == 128 + number
    assert (ending.code, ending.exit_code, ending.signal) == ("signalled", 128 + number, number.name)
    assert ending.terminated_by is None


def test_a_kill_that_nobody_explains_has_its_own_code(dispatch: Dispatch) -> None:
    """SIGKILL from somewhere is killed_137: running it again may help once."""
    assert dispatch.run("sh", "-c", "kill -9 $$").exit_code == 137
    ending = dispatch.ending
    assert (ending.code, ending.exit_code, ending.signal, ending.retryable) == ("killed_137", 137, "SIGKILL", "once")
