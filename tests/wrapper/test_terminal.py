"""On a terminal the command is as a shell's job would be: it reads, is interrupted, is suspended, leaves it sane."""

import fcntl
import os
import pty
import struct
import sys
import termios
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.waiting import wait_until
from tests.wrapper.wrapping import CONSOLE, Dispatch, Wrapped, Wrapping, children

# the session's leader has no controlling terminal until it asks for one
OWN = (
    sys.executable,
    "-c",
    "import fcntl, os, sys, termios\nfcntl.ioctl(0, termios.TIOCSCTTY, 0)\nos.execvp(sys.argv[1], sys.argv[1:])",
)
SHELL = ["bash", "--norc", "--noprofile", "-i"]


class Screen:
    """The other end of a terminal: what a person types and sees."""

    def __init__(self) -> None:
        self.person, self.end = pty.openpty()
        self.seen = b""

    def type(self, keys: bytes) -> None:
        os.write(self.person, keys)

    def sees(self, text: bytes) -> None:
        """Wait until this is on the screen, after what was there at the last call."""
        os.set_blocking(self.person, False)
        wait_until(lambda: text in self._read(), f"{text!r} on the screen")
        self.seen = self.seen.partition(text)[2]

    def _read(self) -> bytes:
        with suppress(OSError):
            self.seen += os.read(self.person, 65536)
        return self.seen

    def start(self, wrapping: Wrapping, *command: str, **more: object) -> Wrapped:
        """Start a wrapper with this terminal as its own."""
        streams = {"stdin": self.end, "stdout": self.end, "stderr": self.end}
        return wrapping.start(*command, prefix=OWN, **{**streams, **more})

    @property
    def is_echoing(self) -> bool:
        return bool(termios.tcgetattr(self.end)[3] & termios.ECHO)

    def close(self) -> None:
        os.close(self.person)
        os.close(self.end)


@pytest.fixture
def screen() -> Iterator[Screen]:
    screen = Screen()
    yield screen
    screen.close()


def test_the_command_reads_what_is_typed(init: Wrapping, screen: Screen) -> None:
    """Being in the foreground, it is not stopped when it reads."""
    process = screen.start(init, "sh", "-c", "read line; echo got $line")
    screen.type(b"hello\n")
    screen.sees(b"got hello")
    assert process.wait(20) == 0


def test_control_c_ends_the_command(dispatch: Dispatch, screen: Screen) -> None:
    """Ctrl-C is the terminal's signal to the command, and gives 130."""
    process = screen.start(dispatch, "sh", "-c", "echo ready; exec sleep 60")
    screen.sees(b"ready")
    screen.type(b"\x03")
    assert process.wait(20) == 130
    assert (dispatch.ending.code, dispatch.ending.signal) == ("signalled", "SIGINT")


def test_a_terminal_is_handed_over(dispatch: Dispatch, screen: Screen) -> None:
    """The command's streams are the terminal itself; what is no terminal is captured."""
    process = screen.start(dispatch, "sh", "-c", "test -t 0 -a -t 1 && echo yes; echo err >&2", stderr=-1)
    screen.sees(b"yes")
    assert process.wait(20) == 0
    assert dispatch.ending.stdout is None
    assert dispatch.ending.stderr is not None
    assert dispatch.ending.stderr.tail == "err\n"


def test_the_command_learns_of_a_new_window_size(init: Wrapping, screen: Screen) -> None:
    """A resized window is the command's to redraw."""
    process = screen.start(init, "bash", "-c", "trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.05; done")
    screen.sees(b"ready")
    fcntl.ioctl(screen.person, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
    screen.sees(b"33 77")
    assert process.wait(20) == 0


def test_the_terminal_is_sane_after_a_command_that_was_killed(init: Wrapping, screen: Screen) -> None:
    """Who had no time to turn the echo on again has it done for him; who exits as he wanted has his way."""
    process = screen.start(init, "sh", "-c", "stty -echo; echo ready; kill -9 $$")
    assert process.wait(20) == 137
    assert screen.is_echoing
    assert screen.start(init, "stty", "-echo").wait(20) == 0
    assert not screen.is_echoing


def test_a_command_that_cannot_start_says_so(init: Wrapping, screen: Screen) -> None:
    """On a terminal, too, 127 and 126 are what a shell would give."""
    assert screen.start(init, "no-such-command").wait(20) == 127
    assert screen.start(init, "/").wait(20) == 126


def test_the_wrapper_is_a_job_of_its_shell(screen: Screen) -> None:
    """Ctrl-Z suspends it with its command, `fg` goes on with both, Ctrl-C ends them."""
    wrapping = Wrapping({"PS1": "$ ", "TERM": "dumb"})
    try:
        process = wrapping.start(*SHELL, prefix=OWN, program=(), stdin=screen.end, stdout=screen.end, stderr=screen.end)
        screen.sees(b"$ ")
        words = [*CONSOLE, "sh", "-c", "'echo started; sleep 60; echo no'"]
        screen.type(" ".join(words).encode() + b"\n")
        screen.sees(b"\r\nstarted")
        (job,) = children(process.pid)
        (command,) = children(job)
        screen.type(b"\x1a")
        screen.sees(b"Stopped")
        screen.type(b"fg\n")
        wait_until(lambda: os.tcgetpgrp(screen.person) == command, "the command is in the foreground again")
        screen.type(b"\x03")
        wait_until(lambda: not children(process.pid), "the job has ended")
        screen.type(b"echo rc=$?\n")
        screen.sees(b"rc=130")
        screen.type(b"exit\n")
        process.wait(20)
    finally:
        wrapping.close()
