"""What the command's end means: the code, the state and who is to blame. Values in, values out.

The exit code is never decided here: it is the command's. Whoever told the command to stop is named, because a
command that was drained is not "the user's signal 15".
"""

from __future__ import annotations

from eightbells.wrapper import signals

TIMEOUT, CANCEL, ENDED = "timeout", "cancel", "ended"
"""Why we ourselves tell a command to stop; a signal from outside goes by its name."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from eightbells.wrapper.windows import Window


class Outcome:
    """How the command ended. `signal` is a name; `told` is who told it to stop, in order, a KILL of ours last."""

    __slots__ = ("code", "exit_code", "message", "remedy", "signal", "told")

    def __init__(
        self,
        code: str,
        exit_code: int,
        *,
        signal: str | None = None,
        told: Sequence[str] = (),
        message: str = "",
        remedy: str | None = None,
    ) -> None:
        self.code = code
        self.exit_code = exit_code
        self.signal = signal
        self.told = tuple(told)
        self.message = message
        self.remedy = remedy

    @property
    def is_success(self) -> bool:
        """Whether the command did what it was asked for."""
        return self.code == "exited_zero"

    @property
    def terminated_by(self) -> str | None:
        """Who told the command to stop, or None: as in `SIGTERM`, `timeout`, `SIGTERM, SIGKILL`."""
        return ", ".join(self.told) or None

    def spoilt(self, message: str) -> Outcome:
        """Return the success as the failure that it is without the result that was asked for."""
        remedy = "write JSON of at most 64 KiB to the file that EIGHTBELLS_RESULT names, before the end"
        return Outcome("result_invalid", self.exit_code, told=self.told, message=message, remedy=remedy)

    def cancelled(self) -> Outcome:
        """Return it as the end of a dispatch that is being cancelled."""
        if self.code == "cancelled":
            return self
        return Outcome(
            "cancelled",
            self.exit_code,
            signal=self.signal,
            told=self.told,
            message=f"cancelled; {self.message}",
            remedy=self.remedy,
        )


class Ending:
    """How the command ended. Times are seconds of the epoch; without `started_at` it never started. `left` is what
    the command itself had to say in its termination message, `result` the value it left in its result file.
    """

    __slots__ = ("finished_at", "left", "outcome", "result", "seconds", "started_at", "warnings", "windows")

    def __init__(
        self,
        outcome: Outcome,
        *,
        finished_at: float,
        started_at: float | None = None,
        seconds: float | None = None,
        windows: dict[str, Window] | None = None,
        warnings: tuple[str, ...] = (),
    ) -> None:
        self.outcome = outcome
        self.finished_at = finished_at
        self.started_at = started_at
        self.seconds = seconds
        self.windows = windows or {}
        self.warnings = warnings
        self.left: str | None = None
        self.result: object = None


def read_status(status: int) -> tuple[int, int]:
    """Return the exit code (128 + n for a signal) and the signal (0: none) of a wait status."""
    signal = status & 0x7F
    return (128 + signal, signal) if signal else ((status >> 8) & 0xFF, 0)


def decide(status: int, told: Sequence[str], timeout: float, shortage: str = "") -> Outcome:
    """Return the outcome of a command that ended with this wait status after being told so. `shortage` says that the
    kernel killed for want of memory while it ran.

    What the cancellation told to stop is cancelled, be it with exit 0: a server that ends well on SIGTERM did not
    finish its work.
    """
    outcome = _judge(status, told, timeout, shortage)
    return outcome.cancelled() if CANCEL in told else outcome


def _judge(status: int, told: Sequence[str], timeout: float, shortage: str) -> Outcome:
    """Return the outcome by what happened to the command itself."""
    exit_code, number = read_status(status)
    signal = signals.name(number) if number else None
    message = f"killed by {signal}" if signal else f"exited with {exit_code}"
    code, remedy = _code(exit_code, number, told), None
    if TIMEOUT in told:
        code, message = "deadline_exceeded", f"did not end within its {timeout:g} s and was told to; {message}"
        remedy = "raise EIGHTBELLS_TIMEOUT, or find out what it waited for"
    elif shortage and exit_code == 137 and "SIGKILL" not in told:  # it, or the one whose end its shell passes on
        code, message = "oom_killed", f"{message}; {shortage}"
        remedy = "raise the container's memory limit, or let the command use less"
    return Outcome(code, exit_code, signal=signal, told=told, message=message, remedy=remedy)


def _code(exit_code: int, number: int, told: Sequence[str]) -> str:
    if number == signals.SIGKILL and "SIGKILL" not in told:
        return "killed_137"
    if number:
        return "signalled"
    return "exit_nonzero" if exit_code else "exited_zero"
