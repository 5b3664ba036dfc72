"""Signals by number, taken with sigtimedwait: what of the C library's signals the wrapper uses, typed.

`_signal` is built in, while `signal` would build enums of every number, which takes longer than a spawn.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]

SIGCHLD: int = _signal.SIGCHLD
SIGKILL: int = _signal.SIGKILL
SIGTERM: int = _signal.SIGTERM
SIGSTOP: int = _signal.SIGSTOP
SIGCONT: int = _signal.SIGCONT

STOPPING: frozenset[int] = frozenset({_signal.SIGTERM, _signal.SIGINT, _signal.SIGQUIT})
"""They tell a command to stop, however it answers."""

SUSPENDING: frozenset[int] = frozenset({_signal.SIGTSTP, _signal.SIGTTIN, _signal.SIGTTOU})
"""They suspend who gets them until SIGCONT."""

IGNORED_BY_PYTHON: tuple[int, ...] = (_signal.SIGPIPE, _signal.SIGXFSZ)
"""The interpreter ignores them from its first moment on, and a command that it starts would too."""

ALL: frozenset[int] = frozenset(map(int, _signal.valid_signals()))

_NAMES: dict[int, str] = {
    number: name for name, number in vars(_signal).items() if name.startswith("SIG") and not name.startswith("SIG_")
}


def block_all() -> set[int]:
    """Block every signal in this thread and those it starts; return the mask that was found."""
    return set(map(int, _signal.pthread_sigmask(_signal.SIG_BLOCK, ALL)))


def restore(mask: set[int]) -> None:
    """Undo what we and the interpreter changed, in a child that is about to execute something."""
    for number in IGNORED_BY_PYTHON:
        _signal.signal(number, _signal.SIG_DFL)
    _signal.pthread_sigmask(_signal.SIG_SETMASK, mask)


def stop_ignoring_children() -> None:
    """Undo a SIGCHLD that was ignored by whoever started us: the kernel would bury the dead without telling."""
    _signal.signal(SIGCHLD, _signal.SIG_DFL)


def wait(seconds: float | None) -> int:
    """Take the next signal, waiting so many seconds for it (None: as long as it takes); return 0 when none came."""
    taken = _signal.sigwaitinfo(ALL) if seconds is None else _signal.sigtimedwait(ALL, max(0.0, seconds))
    return int(taken.si_signo) if taken else 0


def wake(thread: int) -> None:
    """Give a thread that waits a SIGCHLD, which says no more than that there is something to look at."""
    _signal.pthread_kill(thread, SIGCHLD)


def name(number: int) -> str:
    """Return `SIGTERM` for 15; real-time signals count from SIGRTMIN, as in kill(1)."""
    if _signal.SIGRTMIN < number < _signal.SIGRTMAX:
        return f"SIGRTMIN+{number - _signal.SIGRTMIN}"
    return _NAMES.get(number, f"SIG{number}")
