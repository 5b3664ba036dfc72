"""Many dispatches at once: registered as many in a call as there are, created by a bounded number of threads, each with
a result of its own, so that one that is refused, or that fails in a way nobody thought of, does not stop the others.

The input is read in a thread of its own, so that what has come is submitted while the next is waited for.
"""

import logging
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

from eightbells.dispatcher.dispatch import Dispatch, read_dispatch
from eightbells.dispatcher.errors import DispatcherError, Unavailable, Unexpected
from eightbells.dispatcher.submission import Prepared, Submission, Submitted, Ticket
from eightbells.events.contract.limits import BATCH
from msgspec import Struct

Wanted = Dispatch | Mapping[str, Any] | bytes | str
"""A dispatch, or a document of one."""

_log = logging.getLogger(__name__)


class Outcome(Struct, frozen=True):
    """What became of the dispatch at this place of the input, counted from 0: submitted, or an error."""

    index: int
    id: str
    submitted: Submitted | None = None
    error: DispatcherError | None = None


class Read(Struct, frozen=True):
    """What stands at this place of the input."""

    index: int
    wanted: Wanted


class End(Struct, frozen=True):
    """There is no more input, or reading it has failed."""

    error: Exception | None = None


Inbox = queue.SimpleQueue[Read | End | Outcome]


class Input:
    """Reads ahead of what is done, as far as there is room."""

    def __init__(self, dispatches: Iterable[Wanted], inbox: Inbox, room: int) -> None:
        self._dispatches = dispatches
        self._inbox = inbox
        self._room = threading.Semaphore(room)
        self._is_stopped = False
        # A daemon, because nobody can interrupt somebody else's iterator: it may wait for ever.
        threading.Thread(target=self._read, name="input", daemon=True).start()

    def make_room(self) -> None:
        """One of what was read is done."""
        self._room.release()

    def stop(self) -> None:
        """Read no more than what is being waited for."""
        self._is_stopped = True
        self._room.release()

    def _read(self) -> None:
        end = End()
        try:
            for index, wanted in enumerate(self._dispatches):
                self._inbox.put(Read(index, wanted))
                self._room.acquire()
                if self._is_stopped:
                    return
        except Exception as error:  # noqa: BLE001 - whose input it is hears of it where he waits
            end = End(error)
        self._inbox.put(end)


class Bulk:
    """One run. A batch is registered when few are under way any more, so that its time to create does not run while it
    waits; `workers` is how many are created at once.
    """

    def __init__(
        self,
        submission: Submission,
        prepare: Callable[[Dispatch], Prepared],
        pool: ThreadPoolExecutor,
        workers: int,
    ) -> None:
        self._submission = submission
        self._prepare = prepare
        self._pool = pool
        self._few = 2 * workers
        self._inbox: Inbox = queue.SimpleQueue()
        self._waiting: list[Read] = []
        self._under_way: dict[int, Future[Outcome]] = {}
        self._open = 0  # read, and without an outcome yet
        self._end: End | None = None
        self._is_stopped = False

    def run(self, dispatches: Iterable[Wanted]) -> Iterator[Outcome]:
        """Submit what comes from the iterable; return the outcomes as they become known."""
        source = Input(dispatches, self._inbox, BATCH - 1)
        try:
            while not self._is_stopped and (self._end is None or self._open):
                for outcome in self._received():
                    self._open -= 1
                    source.make_room()
                    yield outcome
                if self._waiting and len(self._under_way) < self._few:
                    self._start()
        finally:
            source.stop()
            for future in self._under_way.values():  # whoever asked has gone: what has not begun is not begun
                future.cancel()
        if self._end is not None and self._end.error is not None:
            raise self._end.error

    def stop(self) -> None:
        """Wait no more, in whatever thread that is: what has not begun is not begun."""
        self._is_stopped = True
        self._inbox.put(End())

    def _received(self) -> Iterator[Outcome]:
        """Wait until there is something, take all that is there then, and return the outcomes."""
        is_first = True
        while is_first or not self._inbox.empty():
            is_first = False
            match self._inbox.get():
                case Read() as one:
                    self._open += 1
                    self._waiting.append(one)
                case End() as end:
                    self._end = end
                case Outcome() as outcome:
                    self._under_way.pop(outcome.index, None)
                    yield outcome

    def _start(self) -> None:
        """Register what waits, and have it created."""
        batch, self._waiting = self._waiting, []
        ready = [one for one in map(self._prepared, batch) if one is not None]
        if not ready:
            return
        try:
            tickets = self._submission.register([wanted for _, wanted in ready])
        except Exception as error:  # noqa: BLE001 - it is the result of each
            for index, wanted in ready:
                self._inbox.put(Outcome(index, wanted.id, error=expected(error)))
            return
        for (index, wanted), ticket in zip(ready, tickets, strict=True):
            future = self._pool.submit(self._submit, index, wanted, ticket)
            self._under_way[index] = future
            future.add_done_callback(partial(self._deliver, index, wanted.id))

    def _prepared(self, one: Read) -> tuple[int, Prepared] | None:
        dispatch_id = ""
        try:
            dispatch = one.wanted if isinstance(one.wanted, Dispatch) else read_dispatch(one.wanted)
            dispatch_id = dispatch.id
            return one.index, self._prepare(dispatch)
        except Exception as error:  # noqa: BLE001 - it is this one's result
            self._inbox.put(Outcome(one.index, dispatch_id, error=expected(error)))
            return None

    def _submit(self, index: int, wanted: Prepared, ticket: Ticket) -> Outcome:
        try:
            return Outcome(index, wanted.id, self._submission.submit(wanted, ticket))
        except Exception as error:  # noqa: BLE001 - it is this one's result
            return Outcome(index, wanted.id, error=expected(error))

    def _deliver(self, index: int, dispatch: str, future: "Future[Outcome]") -> None:
        closed = Unavailable(f"dispatch {dispatch} was not created: the dispatcher was closed; submit it again")
        self._inbox.put(Outcome(index, dispatch, error=closed) if future.cancelled() else future.result())


def expected(error: Exception) -> DispatcherError:
    """Return an error that callers know; one that nobody thought of is logged with where it came from."""
    if isinstance(error, DispatcherError):
        return error
    _log.error("a dispatch was not submitted", exc_info=error)
    return Unexpected(f"{type(error).__name__}: {error}; this is a fault of ours: submitting again is safe")
