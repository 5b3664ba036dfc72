"""What is known when the command is dead: the facts that its last event is composed from."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from eightbells.wrapper.outcome import Outcome
    from eightbells.wrapper.windows import Window


class Ending:
    """How the command ended. Times are seconds of the epoch; without `started_at` it never started."""

    __slots__ = ("finished_at", "outcome", "seconds", "started_at", "warnings", "windows")

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
