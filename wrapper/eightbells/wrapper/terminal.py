"""The terminal on our stdin, which the command has in its foreground while it runs, as a shell's job would.

A process group in the background is stopped when it reads, so the command must be given the terminal before it is
executed: by fork, because posix_spawn cannot. All else is the terminal's own work: Ctrl-C, Ctrl-Z, window size.
"""

from __future__ import annotations

import posix

from eightbells.wrapper import signals
from eightbells.wrapper.notice import say

STDIN = 0

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn


class Terminal:
    """A terminal whose foreground is ours to lend."""

    def __init__(self) -> None:
        self._group = posix.getpgrp()
        self._settings: list[Any] = []
        try:
            import termios

            self._settings = termios.tcgetattr(STDIN)
        except Exception as problem:  # noqa: BLE001 - it can be lent all the same
            say(f"what the command does to the terminal is not undone: {problem!r}")

    def lend(self, group: int) -> None:
        """Put the process group into the foreground, if we are there."""
        if posix.tcgetpgrp(STDIN) == self._group:
            posix.tcsetpgrp(STDIN, group)

    def take_back(self) -> None:
        """Put ourselves into the foreground."""
        try:
            posix.tcsetpgrp(STDIN, self._group)
        except OSError:
            pass  # the terminal has been hung up

    def restore(self) -> None:
        """Undo what a command that was killed had no time to undo, such as raw mode or no echo."""
        if not self._settings:
            return
        import termios

        try:
            termios.tcsetattr(STDIN, termios.TCSADRAIN, self._settings)
        except termios.error:
            pass

    def fork(self, execute: Callable[[], NoReturn], mask: set[int]) -> int:
        """Execute in a new process, in the foreground. Raises the OSError of execve."""
        source, sink = posix.pipe2(posix.O_CLOEXEC)
        pid = posix.fork()
        if not pid:
            _become_job(execute, mask, sink)
        posix.close(sink)
        failure = posix.read(source, 16)
        posix.close(source)
        if failure:
            posix.waitpid(pid, 0)
            self.take_back()
            raise OSError(int(failure), posix.strerror(int(failure)))
        return pid


def find_terminal() -> Terminal | None:
    """Return the terminal on stdin, if there is one and we are in its foreground."""
    try:
        return Terminal() if posix.isatty(STDIN) and posix.tcgetpgrp(STDIN) == posix.getpgrp() else None
    except OSError:
        return None  # a terminal, but not the one that controls us


def _become_job(execute: Callable[[], NoReturn], mask: set[int], sink: int) -> NoReturn:
    """In the child: lead a process group in the foreground, with the signals as they were found."""
    try:
        posix.setpgid(0, 0)
        posix.tcsetpgrp(STDIN, posix.getpid())
        signals.restore(mask)
        execute()
    except OSError as problem:
        posix.write(sink, str(problem.errno).encode())
    finally:
        posix._exit(127)  # noqa: SLF001 - a child that is not to be a second wrapper
