"""The thread that reports: that the command runs, that it lives, how it ended. Nothing waits for it but the end.

It knows a bus by two methods, `publish` and `beat`, and tells the init what they answered. Whatever happens in here
ends as a warning: the command runs and exits as it would without us.
"""

from __future__ import annotations

import _thread
import time

from eightbells.wrapper.notice import say
from eightbells.wrapper.outcome import CANCEL, ENDED

FIRST_PAUSE, LONGEST_PAUSE, LAST_PAUSE = 0.05, 5.0, 0.25
"""Between two tries: the first, the longest while the command runs, the longest once it is dead."""

NEVER = 1e6
"""Seconds; without heartbeats the thread waits for mail alone."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from eightbells.wrapper.bus import Answer, Bus
    from eightbells.wrapper.ending import Ending
    from eightbells.wrapper.environment import Environment
    from eightbells.wrapper.init import Init
    from eightbells.wrapper.reports import Run


class Reporter:
    """Reports one run. `is_over` once there is nothing more to say; `problem` is why something was not said."""

    def __init__(self, environment: Environment, init: Init) -> None:
        self._environment = environment
        self._init = init
        self._mail = _thread.allocate_lock()
        self._mail.acquire()
        self._ending: Ending | None = None
        self._attempt: int | None = None
        self._is_running_told = False
        self._is_cancelled = False
        self._is_started = False
        self._next_beat = 0.0
        self.is_over = not environment.is_reporting
        self.problem = ""

    def start(self) -> None:
        """Start the thread; where the system has no more, `end` tries again."""
        if self.is_over:
            return
        try:
            _thread.start_new_thread(self._run, ())
            self._is_started = True
        except RuntimeError as problem:
            self.problem = f"no thread to report with: {problem}"

    def end(self, ending: Ending) -> None:
        """Hand over how the command ended; the thread publishes it and is over."""
        self._ending = ending
        if not self._is_started:
            self.start()
        if not self._is_started:
            self.is_over = True
        elif self._mail.locked():
            self._mail.release()

    def _run(self) -> None:
        """Load what talks to the bus, which the command was not to wait for, and serve."""
        try:
            from eightbells.wrapper.bus import Bus
            from eightbells.wrapper.reports import Run

            if self._environment.address is not None:
                self._serve(Bus(self._environment.address, self._environment), Run(self._environment))
        except BaseException as problem:  # noqa: BLE001 - a thread's last word; the init goes on
            self.problem = f"reporting failed: {problem!r}"
        finally:
            self.is_over = True
            self._init.wake()

    def _serve(self, bus: Bus, run: Run) -> None:
        from eightbells.wrapper.connection import Unreachable

        pause = FIRST_PAUSE
        while not self.is_over:
            try:
                self._step(bus, run)
                pause = FIRST_PAUSE
                wait = self._idle_seconds()
            except Unreachable as problem:
                self._note(str(problem))
                if problem.is_final and self._ending is not None:
                    return
                wait = pause
                pause = min(2 * pause, LAST_PAUSE if self._ending is not None else LONGEST_PAUSE)
            if wait:
                self._mail.acquire(timeout=wait)

    def _step(self, bus: Bus, run: Run) -> None:
        """Say the one thing that is due."""
        if not self._is_running_told:
            if self._init.pid:
                self._hear(bus.publish(run.running(self._init.started_at)))
            self._is_running_told = True
            self._next_beat = time.monotonic() + self._environment.heartbeat
        elif self._ending is not None:
            answer = bus.publish(run.end(self._ending, self._attempt, is_cancelled=self._is_cancelled))
            self._hear(answer)
            self.is_over = self.is_over or answer.word != "cancelling"
        elif self._is_beat_due():
            self._next_beat = time.monotonic() + self._environment.heartbeat
            self._hear(bus.beat(run.name))

    def _hear(self, answer: Answer) -> None:
        """Take in what the bus knows and we did not."""
        self.problem = ""
        self._attempt = answer.attempt or self._attempt
        if answer.is_cancelling:
            self._is_cancelled = True
            self._stop(CANCEL, "is being cancelled")
        elif answer.word == "terminal" and self._environment.stop_if_ended:
            self._stop(ENDED, "has already ended")
            self.is_over = True
        elif answer.word in ("moved", "expired"):
            self._note(f"the bus refused the event: {answer.word}")

    def _stop(self, reason: str, why: str) -> None:
        if self._ending is None:
            say(f"the dispatch {why}: the command is told to stop")
            self._init.stop(reason)

    def _idle_seconds(self) -> float:
        """How long there is nothing to say, unless mail comes."""
        if self.is_over or self._ending is not None:
            return 0.0
        return max(0.0, self._next_beat - time.monotonic()) if self._environment.heartbeat > 0 else NEVER

    def _is_beat_due(self) -> bool:
        return bool(self._environment.heartbeat) and time.monotonic() >= self._next_beat

    def _note(self, problem: str) -> None:
        """Say a problem when it is new; it may be over before the command ends."""
        if not self.problem:
            say(f"cannot report, and tries again: {problem}")
        self.problem = problem
