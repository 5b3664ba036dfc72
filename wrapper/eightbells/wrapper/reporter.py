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
    from collections.abc import Sequence

    from eightbells.wrapper.bus import Answer, Bus
    from eightbells.wrapper.environment import Environment
    from eightbells.wrapper.init import Init
    from eightbells.wrapper.live import Live
    from eightbells.wrapper.memory import Memory
    from eightbells.wrapper.outcome import Ending
    from eightbells.wrapper.pumps import Pump
    from eightbells.wrapper.record import Record


class Reporter:
    """Reports one run. `is_over` once there is nothing more to say; `problem` is why something was not said."""

    def __init__(self, environment: Environment, init: Init, pumps: Sequence[Pump], memory: Memory) -> None:
        self._environment = environment
        self._init = init
        self._pumps = pumps
        self._memory = memory
        self._lock = _thread.allocate_lock()
        self._record: Record | None = None
        self._mail = _thread.allocate_lock()
        self._mail.acquire()
        self._is_started = False
        self.ending: Ending | None = None
        self.is_over = False
        self.problem = ""
        self.reserve = environment.reserve
        for pump in pumps:
            pump.ring = self.ring

    def start(self) -> None:
        """Start the thread; where the system has no more, `end` tries again."""
        try:
            _thread.start_new_thread(self._run, ())
            self._is_started = True
        except RuntimeError as problem:
            self.problem = f"no thread to report with: {problem}"

    def end(self, ending: Ending) -> None:
        """Leave word in the termination message, then hand over to the thread, which publishes it and is over."""
        try:
            self._open_record().finish(ending)
        except ValueError:
            pass  # of no use, which is for the thread to say
        except Exception as problem:  # noqa: BLE001 - the bus is still to be told
            say(f"there is no termination message: {problem!r}")
        self.ending = ending
        if not self._is_started:
            self.start()
        self.is_over = self.is_over or not self._is_started
        self.ring()

    def ring(self) -> None:
        """Have the thread look at once; for other threads."""
        try:
            self._mail.release()
        except RuntimeError:
            pass  # somebody has rung, and it has not looked yet

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

    def seconds_left(self) -> float:
        """How long the ending may be tried to be published, from now on."""
        patience, grace_end = self._environment.publish_timeout, self._init.grace_end
        return patience if grace_end is None else max(0.0, min(patience, grace_end - time.monotonic()))

    def _run(self) -> None:
        """Load what talks to the bus, which the command was not to wait for, and talk."""
        try:
            record = self._open_record()
            record.refresh()
            from eightbells.wrapper.bus import Bus
            from eightbells.wrapper.live import Live

            # a connection that has died unnoticed leaves time for another two before the time-out
            if record.target.address is None:
                raise ValueError(record.target.problem)
            bus = Bus(record.target, record.target.address, max(self._environment.publish_timeout / 3, 0.1))
            live = Live(self._pumps, record.target.secrets)
            Talk(self, record, bus, live, self._init.started_at).go_on()
        except BaseException as problem:  # noqa: BLE001 - a thread's last word; the init goes on
            self.problem = str(problem) if isinstance(problem, ValueError) else repr(problem)
        finally:
            for pump in self._pumps:
                pump.is_streamed, pump.backlog = False, None
            self.is_over = True
            self._init.wake()

    def _open_record(self) -> Record:
        """Return what this run is and where word of it is left; whoever needs it first makes it."""
        with self._lock:
            if self._record is None:
                from eightbells.wrapper.record import Record

                started_at = self._init.started_at
                self._record = Record(self._environment.variables, started_at, self._pumps, self._memory)
            return self._record


class Talk:
    """What is said to the bus, one thing after the other: running, heartbeats and live output, the ending."""

    def __init__(self, reporter: Reporter, record: Record, bus: Bus, live: Live, started_at: float) -> None:
        self._reporter = reporter
        self._record = record
        self._target = record.target
        self._run = record.run
        self._bus = bus
        self._live = live
        self._started_at = started_at
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
        if ending is not None:
            self._live.finish(self._reporter.seconds_left())
        if not self._is_running_told:
            self._hear(self._bus.publish(self._run.running(self._started_at)))
            self._is_running_told = True
            self._record.refresh()
            self._next_beat = time.monotonic() + self._target.heartbeat
        elif self._is_beat_due():
            self._next_beat = time.monotonic() + self._target.heartbeat
            self._record.refresh()
            self._hear(self._bus.beat(self._run.name))
        elif self._live.due_in() == 0:
            self._show_output()
        elif ending is not None:
            answer = self._bus.publish(self._run.end(ending, self._record.attempt, is_cancelled=self._is_cancelled))
            self._hear(answer)
            self._is_over = answer.word != "cancelling"
            if self._target.is_synced and answer.word in ("ok", "dup"):
                self._sync()

    def _sync(self) -> None:
        """Wait until the server would not lose the ending, too; that it may is said."""
        from eightbells.wrapper.connection import Unreachable

        try:
            problem = "" if self._bus.sync(self._reporter.reserve) else "neither its disk nor a replica had it in time"
        except Unreachable as refused:
            problem = str(refused)
        if problem:
            say(f"the ending is accepted, and the server may still lose it: {problem}")

    def _is_beat_due(self) -> bool:
        is_alive = self._reporter.ending is None
        return is_alive and self._target.heartbeat > 0 and time.monotonic() >= self._next_beat

    def _show_output(self) -> None:
        """Send what the command wrote; a server that will not have it is not asked again."""
        from eightbells.wrapper.connection import Unreachable

        try:
            self._bus.show(self._run.name, self._live.next_batch(), self._live.kept)
            self._live.settle()
            self._reporter.problem = ""
        except Unreachable as problem:
            if not problem.is_final:
                raise
            say(f"output is no longer streamed: {problem}")
            self._live.stop()

    def _hear(self, answer: Answer) -> None:
        """Take in what the bus knows and we did not."""
        self._reporter.problem = ""
        self._record.attempt = answer.attempt or self._record.attempt
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
        beat = max(0.0, self._next_beat - time.monotonic()) if self._target.heartbeat > 0 else NEVER
        output = self._live.due_in()
        return beat if output is None else min(beat, output)
