"""The init: one loop that owns every wait. Signals, dead children and clocks; nothing else may block it.

All signals are blocked and taken with sigtimedwait, so none is lost, interrupts anything or needs a handler. Other
threads wake the loop with a SIGCHLD, which means no more than "look again". The command's death is what ends it,
never an end-of-file.
"""

from __future__ import annotations

import _thread
import posix
import time

from eightbells.wrapper import signals
from eightbells.wrapper.outcome import TIMEOUT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from eightbells.wrapper.environment import Environment
    from eightbells.wrapper.terminal import Terminal


class Init:
    """Looks after one command and whatever it leaves behind.

    `status` is the command's wait status once it is dead; `told` is who told it to stop, in order.
    """

    def __init__(self, environment: Environment, terminal: Terminal | None) -> None:
        self.pid = 0
        self.status: int | None = None
        self.told: list[str] = []
        self.started = self.started_at = 0.0
        self.died = 0.0
        self.died_at = 0.0
        self._environment = environment
        self._terminal = terminal
        self._look = posix.WNOHANG | (0 if terminal is None else posix.WUNTRACED)
        self._thread = _thread.get_ident()
        self._requests: list[str] = []
        self._passed_on: set[int] = set()
        self._deadline: float | None = None
        self._kill_at: float | None = None
        self._is_killed = False
        self.grace_end: float | None = None

    def adopt(self, pid: int) -> None:
        """Look after this command from now on."""
        self.pid = pid
        self.started, self.started_at = time.monotonic(), time.time()
        if self._environment.timeout:
            self._deadline = self.started + self._environment.timeout

    def wait_for_command(self) -> int:
        """Look after the command until it is dead; return its wait status."""
        while self.status is None:
            self._turn(time.monotonic(), [])
        return self.status

    def wait_until(self, is_over: Callable[[], bool], until: float | None = None, step: float | None = None) -> bool:
        """Go on until `is_over` or the moment `until` comes; return which. Look at least every `step` seconds."""
        while not is_over():
            now = time.monotonic()
            if until is not None and now >= until:
                return False
            self._turn(now, [moment for moment in (until, None if step is None else now + step) if moment is not None])
        return True

    def wake(self) -> None:
        """Make the loop look again; for other threads."""
        signals.wake(self._thread)

    def stop(self, reason: str) -> None:
        """Ask for the command to be told to stop; for other threads."""
        self._requests.append(reason)
        self.wake()

    def _turn(self, now: float, moments: list[float]) -> None:
        moments += [moment for moment in self._clocks() if moment is not None]
        number = signals.wait(min(moments) - now if moments else None)
        self._reap()  # first: whoever was dead already when the signal came was not ended by it
        if number and number != signals.SIGCHLD:
            self._receive(number)
        while self._requests:
            self._tell(self._requests.pop(0))
        self._keep_clocks()

    def _clocks(self) -> tuple[float | None, ...]:
        return () if self.status is not None else (self._deadline, self._kill_at)

    def _reap(self) -> None:
        """Ask about every child that is dead: the command, and orphans that became ours."""
        while True:
            try:
                pid, status = posix.waitpid(-1, self._look)
            except ChildProcessError:
                return
            if not pid:
                return
            if posix.WIFSTOPPED(status):
                self._suspend(pid)
            elif pid == self.pid and self.status is None:
                self._bury(status)

    def _bury(self, status: int) -> None:
        """Take note of the command's death."""
        self.status, self.died, self.died_at = status, time.monotonic(), time.time()
        number = status & 0x7F
        if number in self._passed_on:
            self._note(signals.name(number))
        if self._terminal is not None:
            self._terminal.take_back()
            if number:
                self._terminal.restore()

    def _suspend(self, pid: int) -> None:
        """The user has stopped the command: stop, too, so that our shell notices; or go on where nobody would."""
        if self._terminal is not None and pid == self.pid:
            self._terminal.take_back()
            if posix.getpid() == 1:
                self._receive(signals.SIGCONT)
            else:
                posix.kill(posix.getpid(), signals.SIGSTOP)

    def _receive(self, number: int) -> None:
        if number == signals.SIGTERM:
            self._start_grace()
            self.grace_end = self.grace_end or time.monotonic() + self._environment.grace
        if self.pid and self.status is None:
            if number in signals.STOPPING:
                self._note(signals.name(number))
            self._passed_on.add(number)
            if number == signals.SIGCONT and self._terminal is not None:
                self._terminal.lend(self.pid)
            self._forward(number)
        if number in signals.SUSPENDING:
            posix.kill(posix.getpid(), signals.SIGSTOP)

    def _tell(self, reason: str) -> None:
        if self.status is None:
            self._note(reason)
            self._start_grace()
            self._forward(signals.SIGTERM)

    def _start_grace(self) -> None:
        """From now on the grace runs, of which the reserve is for the last publish."""
        if self._kill_at is None and not self._is_killed:
            grace = self._environment.grace
            self._kill_at = time.monotonic() + max(grace - self._environment.reserve, grace / 2)

    def _keep_clocks(self) -> None:
        now = time.monotonic()
        if self._deadline is not None and now >= self._deadline:
            self._deadline = None
            if self._kill_at is None:
                self._tell(TIMEOUT)
        if self._kill_at is not None and now >= self._kill_at:
            self._kill_at, self._is_killed = None, True
            if self.status is None:
                self._note(signals.name(signals.SIGKILL))
                self._forward(signals.SIGKILL)
                self._kill_stragglers()

    def _note(self, reason: str) -> None:
        if reason not in self.told:
            self.told.append(reason)

    def _forward(self, number: int) -> None:
        """Pass the signal to the command's process group; never after its death, when the number may be another's."""
        try:
            posix.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):
            pass

    def _kill_stragglers(self) -> None:
        """Kill what has left the command's process group, too: as PID 1 our own end would, elsewhere nothing does."""
        for pid in descendants(posix.getpid()):
            try:
                posix.kill(pid, signals.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass


def _list_processes() -> list[str]:
    try:
        return posix.listdir("/proc")
    except OSError:
        return []  # it is not mounted


def descendants(ancestor: int) -> dict[int, str]:
    """Return the process ids of all that came from this process and are alive, with their names."""
    parents, names = {}, {}
    for entry in _list_processes():
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", "rb") as file:
                    name, _, rest = file.read().partition(b"(")[2].rpartition(b")")
            except OSError:
                continue  # it has ended meanwhile
            state, parent, *_ = rest.split()
            if state != b"Z":
                parents[int(entry)], names[int(entry)] = int(parent), name.decode("utf-8", "backslashreplace")
    found, last = set[int](), {ancestor}
    while last:
        last = {pid for pid, parent in parents.items() if parent in last} - found
        found |= last
    return {pid: names[pid] for pid in sorted(found)}
