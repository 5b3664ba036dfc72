"""A thread a stream that carries bytes from the command to the container's own stream and keeps their windows.

It reads and writes with blocking calls, so a log reader that stalls stalls the command as it would without us, and
nothing else. A sink that is broken never ends the command: its output is read on and counted as lost.
"""

from __future__ import annotations

import _thread
import errno
import posix
import select
import time

from eightbells.wrapper.capture import open_streams
from eightbells.wrapper.init import descendants
from eightbells.wrapper.notice import say

BUFFER_BYTES = 64 * 1024
QUIET_SECONDS = 0.05
DRAIN_STEP = 0.01
QUIET_LOOKS = 3
"""After the command's death: how long no byte must pass, how often the pipes are looked at, and the least looks that
count: where a container has spent its share of the processor, all its threads stand still for longer than that."""

NAMED = 5
BROKEN = "nobody reads it any more"
PIPE_BYTES = 256 * 1024
"""What a pipe of ours is grown to when it was found full. The kernel's budget for pipes is per user on the whole node
(pipe(7), pipe-user-pages-soft): 1 MiB would take it from other people's containers."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eightbells.wrapper.backlog import Backlog
    from eightbells.wrapper.capture import Stream
    from eightbells.wrapper.environment import Environment
    from eightbells.wrapper.init import Init
    from eightbells.wrapper.windows import Window


class Pump:
    """Carries one stream until its end. `is_over` at the end; `lost` is what the sink did not take, `why` the reason.

    A byte is in the pipe or the pump is not at rest; whoever looks at both, more than once, misses none.
    """

    def __init__(self, stream: Stream, wake: Callable[[], None], *, is_streamed: bool = False) -> None:
        self.stream = stream
        self.is_streamed = is_streamed
        self.backlog: Backlog | None = None
        self.ring: Callable[[], None] | None = None
        self.is_over = False
        self.is_busy = False
        self.chunks = 0
        self.lost = 0
        self.why = ""
        self.window: Window | None = None
        self._wake = wake
        self._thread = 0

    def start(self) -> None:
        """Start the thread. Raises RuntimeError when the system has no more."""
        _thread.start_new_thread(self._run, ())

    def _run(self) -> None:
        try:
            self._open_window()
            self._thread = _thread.get_native_id()
            self._carry()
        except Exception as problem:  # noqa: BLE001 - a thread's last word; the init goes on
            say(f"{self.stream.name} is no longer passed on: {problem!r}")
        finally:
            self.is_over = True
            self._wake()

    def _open_window(self) -> None:
        """Make what keeps head and tail: here, where the command does not wait for the import."""
        try:
            from eightbells.wrapper.windows import Window

            self.window = Window()
        except Exception as problem:  # noqa: BLE001 - of no matter to who reads the output
            say(f"{self.stream.name} is passed on and not reported: {problem!r}")

    def _carry(self) -> None:
        buffers = [memoryview(bytearray(BUFFER_BYTES)), memoryview(bytearray(BUFFER_BYTES))]
        turn = 0
        while count := posix.readv(self.stream.source, [buffers[turn]]):
            self.is_busy = True
            chunk = buffers[turn][:count]
            if self.window is not None:
                self.window.feed(chunk)
            if self.is_streamed:
                self._offer(chunk)
            self._pass_on(chunk)
            self.chunks += 1
            self.is_busy = False
            turn = 1 - turn
            if count >= BUFFER_BYTES and len(buffers[turn]) < PIPE_BYTES:
                buffers[turn] = self._grow(buffers[turn])

    @property
    def is_at_rest(self) -> bool:
        """Whether it waits for bytes and has none in hand. Between its read and `is_busy` its thread is awake, or it
        waits for the interpreter, which it has been given by the time of the next look.
        """
        return not self.is_busy and bool(self._thread) and is_asleep(self._thread)

    def _offer(self, chunk: memoryview) -> None:
        """Leave a copy for who streams it, and never wait for him."""
        try:
            backlog = self.backlog
            if backlog is None:
                from eightbells.wrapper.backlog import Backlog  # now that there is output, the command has started

                backlog = self.backlog = Backlog(self.stream.name)
            if backlog.put(chunk) and self.ring is not None:
                self.ring()
        except Exception as problem:  # noqa: BLE001 - of no matter to the command
            self.is_streamed = False
            say(f"{self.stream.name} is no longer streamed: {problem!r}")

    def _grow(self, buffer: memoryview) -> memoryview:
        """Make the pipe larger, and return a larger buffer for it; or the same, where the user's budget is spent."""
        try:
            import fcntl

            fcntl.fcntl(self.stream.source, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
            return memoryview(bytearray(PIPE_BYTES))
        except (ImportError, MemoryError, OSError):
            return buffer

    def _pass_on(self, chunk: memoryview) -> None:
        while chunk:
            try:
                chunk = chunk[posix.write(self.stream.sink, chunk) :]
            except BlockingIOError:
                self._wait_for_sink()  # somebody else made the shared open file non-blocking
            except OSError as problem:
                self.why = BROKEN if problem.errno == errno.EPIPE else problem.strerror or str(problem)
                break
        self.lost += len(chunk)

    def _wait_for_sink(self) -> None:
        room = select.poll()
        room.register(self.stream.sink, select.POLLOUT)
        room.poll()


class Quiet:
    """Whether no byte has passed for a while; the pipes are looked at with every question."""

    def __init__(self, pumps: Sequence[Pump]) -> None:
        self._pumps = pumps
        self._chunks = -1
        self._since = 0.0
        self._looks = 0
        self._pipes = select.poll()
        for pump in pumps:
            self._pipes.register(pump.stream.source, select.POLLIN)

    def __call__(self) -> bool:
        """Return whether all streams have ended or 50 ms have passed, and some looks been taken, without a byte."""
        if all(pump.is_over for pump in self._pumps):
            return True
        now = time.monotonic()
        self._looks += 1
        if self._is_moving():
            self._since, self._looks = now, 0
        return now - self._since >= QUIET_SECONDS and self._looks >= QUIET_LOOKS

    def _is_moving(self) -> bool:
        before, self._chunks = self._chunks, sum(pump.chunks for pump in self._pumps)
        if before != self._chunks or any(events & select.POLLIN for _, events in self._pipes.poll(0)):
            return True
        return not all(pump.is_over or pump.is_at_rest for pump in self._pumps)


def is_asleep(thread: int) -> bool:
    """Whether the thread (gettid(2)) waits for something that is not a processor; where that cannot be seen it may."""
    try:
        with open(f"/proc/self/task/{thread}/stat", "rb") as file:
            return file.read().rpartition(b") ")[2].startswith(b"S")
    except OSError:
        return True


def start_pumps(environment: Environment, wake: Callable[[], None]) -> list[Pump]:
    """Start a pump for each stream and return them; a stream without a thread is handed over as it is."""
    pumps = []
    for stream in open_streams(environment):
        pump = Pump(stream, wake, is_streamed=environment.is_streamed)
        try:
            pump.start()
            pumps.append(pump)
        except RuntimeError as problem:
            stream.close_entry()
            say(f"{stream.name} is not captured: {problem}; raise the limit of processes")
    return pumps


def windows_of(pumps: Sequence[Pump]) -> dict[str, Window]:
    """Return what is kept of each stream, by its name."""
    return {pump.stream.name: pump.window for pump in pumps if pump.window is not None}


def drain(pumps: Sequence[Pump], init: Init, seconds: float) -> list[str]:
    """Wait for what is on its way at the command's death, at most so many seconds; return what was lost or odd."""
    is_quiet = init.wait_until(Quiet(pumps), init.died + seconds, DRAIN_STEP)
    warnings = []
    for pump in pumps:
        name = pump.stream.name
        if pump.lost:
            warnings.append(f"{pump.lost} bytes of {name} could not be passed on: {pump.why}")
        if not pump.is_over and is_quiet:
            warnings.append(f"{name} is still held open by what the command left behind: {_name_survivors()}")
        elif not pump.is_over:
            warnings.append(f"{name} did not come to rest within {seconds:g} s of the command's death")
    return warnings


def _name_survivors() -> str:
    """Who may hold a pipe of ours: the processes that became ours, the first few of them."""
    survivors = [f"{name} ({pid})" for pid, name in descendants(posix.getpid()).items()]
    return ", ".join(survivors[:NAMED]) + (" and others" if len(survivors) > NAMED else "") or "somebody else's child"
