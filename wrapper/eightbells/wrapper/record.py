"""What this run is, and the word that is left of it in the termination message while it runs and when it has ended."""

from __future__ import annotations

from eightbells.wrapper.pumps import windows_of
from eightbells.wrapper.reports import Run
from eightbells.wrapper.results import take_result
from eightbells.wrapper.target import Target
from eightbells.wrapper.termination import TerminationLog

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from eightbells.wrapper.environment import Variables
    from eightbells.wrapper.memory import Memory
    from eightbells.wrapper.outcome import Ending
    from eightbells.wrapper.pumps import Pump


class Record:
    """One run of one target. `attempt` is its number, once the bus has told it."""

    def __init__(self, variables: Variables, started_at: float, pumps: Sequence[Pump], memory: Memory) -> None:
        self.target = Target(variables)
        self.run = Run(self.target)
        self.attempt: int | None = None
        self._log = TerminationLog(self.target.termination_log)
        self._started_at = started_at
        self._pumps = pumps
        self._memory = memory
        self._last = b""

    def refresh(self) -> None:
        """Leave word that the command runs, with the end of its output and its memory, where either has changed."""
        if self._log.is_there and self._started_at:
            windows, use = windows_of(self._pumps), self._memory.describe_use()
            record = self.run.provisional(self._started_at, self.attempt, windows, use)
            if record != self._last:
                self._log.write(record)
            self._last = record

    def finish(self, ending: Ending) -> None:
        """Leave word of how the command ended, and take in what it left itself."""
        if self.target.result and ending.started_at is not None:
            take_result(ending, self.target.result, is_required=self.target.is_result_required)
        ending.left = self._log.left(self.target.secrets)
        self._log.write(self.run.final(ending, self.attempt), is_final=True)
