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
    from eightbells.wrapper.environment import Environment
    from eightbells.wrapper.init import Init
    from eightbells.wrapper.outcome import Ending
    from eightbells.wrapper.reports import Run
    from eightbells.wrapper.target import Target


class Reporter:
    """Reports one run. `is_over` once there is nothing more to say; `problem` is why something was not said."""

    def __init__(self, environment: Environment, init: Init) -> None:
        self._environment = environment
        self._init = init
        self._mail = _thread.allocate_lock()
        self._mail.acquire()
        self._is_started = False
        self.ending: Ending | None = None
        self.is_over = False
        self.problem = ""

    def start(self) -> None:
        """Start the thread; where the system has no more, `end` tries again."""
        try:
            _thread.start_new_thread(self._run, ())
            self._is_started = True
        except RuntimeError as problem:
            self.problem = f"no thread to report with: {problem}"

    def end(self, ending: Ending) -> None:
        """Hand over how the command ended; the thread publishes it and is over."""
        self.ending = ending
        if not self._is_started:
            self.start()
        self.is_over = self.is_over or not self._is_started
        if self._mail.locked():
            self._mail.release()

    def wait(self, seconds: float) -> None:
        """Wait so long, or until there is an ending; for the thread."""
        if seconds:
            self._mail.acquire(timeout=seconds)

    def note(self, problem: str) -> None:
        """Say a problem when it is new; it may be over before the command ends."""
        if not self.problem:
            say(f"cannot report, and tries again: {problem}")
        self.problem = problem

    def stop(self, reason: str, why: str) -> None:
        """Have the command told to stop, while there is one."""
        if self.ending is None:
            say(f"the dispatch {why}: the command is told to stop")
            self._init.stop(reason)

    def _run(self) -> None:
        """Load what talks to the bus, which the command was not to wait for, and talk."""
        try:
            from eightbells.wrapper.bus import Bus
            from eightbells.wrapper.reports import Run
            from eightbells.wrapper.target import Target

            target = Target(self._environment.variables)
            # a connection that has died unnoticed leaves time for another two before the time-out
            bus = Bus(target, max(self._environment.publish_timeout / 3, 0.1))
            Talk(self, target, bus, Run(target), self._init.started_at).go_on()
        except BaseException as problem:  # noqa: BLE001 - a thread's last word; the init goes on
            self.problem = f"{problem!r}" if not isinstance(problem, ValueError) else str(problem)
        finally:
            self.is_over = True
            self._init.wake()


class Talk:
    """What is said to the bus, one thing after the other: running, heartbeats, the ending."""

    def __init__(self, reporter: Reporter, target: Target, bus: Bus, run: Run, started_at: float) -> None:
        self._reporter = reporter
        self._target = target
        self._bus = bus
        self._run = run
        self._started_at = started_at
        self._attempt: int | None = None
        self._is_running_told = not started_at
        self._is_cancelled = False
        self._is_over = False
        self._next_beat = 0.0

    def go_on(self) -> None:
        """Say what is due until all is said; try again for as long as nobody ends the process."""
        from eightbells.wrapper.connection import Unreachable

        pause = FIRST_PAUSE
        while not self._is_over:
            try:
                self._say_next()
                pause = FIRST_PAUSE
                self._reporter.wait(self._idle_seconds())
            except Unreachable as problem:
                self._reporter.note(str(problem))
                is_late = self._reporter.ending is not None
                if is_late and problem.is_final:
                    return
                self._reporter.wait(pause)
                pause = min(2 * pause, LAST_PAUSE if is_late else LONGEST_PAUSE)

    def _say_next(self) -> None:
        ending = self._reporter.ending
        if not self._is_running_told:
            self._hear(self._bus.publish(self._run.running(self._started_at)))
            self._is_running_told = True
            self._next_beat = time.monotonic() + self._target.heartbeat
        elif ending is not None:
            answer = self._bus.publish(self._run.end(ending, self._attempt, is_cancelled=self._is_cancelled))
            self._hear(answer)
            self._is_over = answer.word != "cancelling"
        elif self._target.heartbeat and time.monotonic() >= self._next_beat:
            self._next_beat = time.monotonic() + self._target.heartbeat
            self._hear(self._bus.beat(self._run.name))

    def _hear(self, answer: Answer) -> None:
        """Take in what the bus knows and we did not."""
        self._reporter.problem = ""
        self._attempt = answer.attempt or self._attempt
        if answer.is_cancelling:
            self._is_cancelled = True
            self._reporter.stop(CANCEL, "is being cancelled")
        elif answer.word == "terminal" and self._target.stop_if_ended:
            self._reporter.stop(ENDED, "has already ended")
            self._is_over = True
        elif answer.word in ("moved", "expired"):
            self._reporter.note(f"the bus refused the event: {answer.word}")

    def _idle_seconds(self) -> float:
        """How long there is nothing to say, unless mail comes."""
        if self._is_over or self._reporter.ending is not None:
            return 0.0
        return max(0.0, self._next_beat - time.monotonic()) if self._target.heartbeat > 0 else NEVER
