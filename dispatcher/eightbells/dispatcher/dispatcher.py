"""The two faces of the dispatcher: `Dispatcher` blocks, `AsyncDispatcher` is awaited; both are one core.

The core blocks, and threads share it: one pool of connections to the API and one to the bus. The async face runs it in
a bounded number of threads of its own, because a submit is two or three requests and a cluster takes some hundreds a
second at most.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from eightbells.dispatcher.bulk import Bulk, Outcome, Wanted
from eightbells.dispatcher.bus import Bus
from eightbells.dispatcher.cancellation import WAIT_SECONDS, Cancellation, Canceller, Steps, advance
from eightbells.dispatcher.connection import Connection
from eightbells.dispatcher.dispatch import Dispatch
from eightbells.dispatcher.errors import Conflict, DispatcherError, UnknownDispatch
from eightbells.dispatcher.jobs import Job, Jobs
from eightbells.dispatcher.names import job_name
from eightbells.dispatcher.record import Record
from eightbells.dispatcher.report import Report, report
from eightbells.dispatcher.settings import Settings
from eightbells.dispatcher.submission import CREATE_SECONDS, Submission, Submitted, prepare
from eightbells.events.contract.keys import BadName, check_dispatch

CONCURRENCY = 16
"""Requests that are under way at once."""

T = TypeVar("T")


class Dispatcher:
    """Submits, cancels and reads dispatches. Threads may share it; `close` it, or use it in a `with`.

    `bus_url` is the server as we reach it. `api` is the way to the cluster, by default as kubectl finds it. All methods
    raise `DispatcherError`.
    """

    def __init__(
        self,
        settings: Settings,
        bus_url: str,
        api: Connection | None = None,
        *,
        concurrency: int = CONCURRENCY,
        create_seconds: float = CREATE_SECONDS,
    ) -> None:
        self._settings = settings
        self._concurrency = concurrency
        self._api = api or Connection.find(connections=concurrency)
        self._jobs = Jobs(self._api)
        self._bus = Bus(bus_url, settings.bus_namespace, settings.cluster, concurrency)
        self._submission = Submission(self._bus, self._jobs)
        self._canceller = Canceller(self._bus, self._jobs, settings.namespace)
        self._prepare = partial(prepare, settings=settings, create_seconds=create_seconds)
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix="submit")

    def submit(self, dispatch: Dispatch) -> Submitted:
        """Start a dispatch, unless it has been; one without an id is given one. Submitting again is always safe."""
        return self._submission.submit(self._prepare(dispatch))

    def submit_many(self, dispatches: Iterable[Wanted]) -> Iterator[Outcome]:
        """Submit many, or what `read_dispatch` takes for one; return what became of each as it becomes known.

        An error of one does not stop the others. The iterable is read in a thread of its own, some hundred ahead.
        """
        return self.begin_many().run(dispatches)

    def begin_many(self) -> Bulk:
        """Return a run of `submit_many` that another thread can stop."""
        return Bulk(self._submission, self._prepare, self._pool, self._concurrency)

    def cancel(self, dispatch: str, wait: float = WAIT_SECONDS) -> Cancellation:
        """Cancel a dispatch; wait so many seconds for its Job to be gone, and see to it that it has one ending."""
        steps = self.cancel_in_steps(dispatch, wait)
        while not isinstance(found := advance(steps), Cancellation):
            time.sleep(found)
        return found

    def cancel_in_steps(self, dispatch: str, wait: float = WAIT_SECONDS) -> Steps:
        """Cancel a dispatch as `cancel` does, for a caller who has better to do than to sleep."""
        return self._canceller.steps(_checked(dispatch), wait)

    def get(self, dispatch: str) -> Report:
        """Return what is known of a dispatch. An API that does not answer is said in it. Raises `UnknownDispatch`."""
        record = self._bus.read(_checked(dispatch))
        if record is None:
            raise UnknownDispatch(
                f"nothing is known of dispatch {dispatch} in bus namespace {self._bus.namespace}: it was never "
                "submitted, is of another one, or ended more than a week ago"
            )
        job, problem = None, None
        try:
            job = self._find(dispatch, record)
        except DispatcherError as error:
            problem = str(error)
        return report(dispatch, record, job, heartbeat=self._settings.heartbeat, problem=problem)

    def _find(self, dispatch: str, record: Record) -> Job | None:
        if record.cluster not in ("", self._bus.cluster):
            raise Conflict(f"its Job is in cluster {record.cluster}, and this is {self._bus.cluster}: ask there")
        name = record.job or job_name(self._bus.namespace, dispatch)
        return self._jobs.get(record.namespace or self._settings.namespace, name)

    def stop_waiting(self) -> None:
        """Let no submit wait for a server to be ready again, in whatever thread that is."""
        self._submission.close()

    def close(self) -> None:
        """Wait for the requests that are under way, and close the connections. A submit that waits for a server to be
        ready again, which may take minutes, waits no more, and says so.
        """
        self.stop_waiting()
        self._pool.shutdown(cancel_futures=True)
        self._api.close()
        self._bus.close()

    def __enter__(self) -> "Dispatcher":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncDispatcher:
    """The same, awaited. A call that is cancelled goes on to its end: what it did is not undone.

    Threads are there for requests alone. A cancel that waits for a Job to go has none, and holds up nobody.
    """

    def __init__(self, settings: Settings, bus_url: str, api: Connection | None = None, **options: Any) -> None:
        self._core = Dispatcher(settings, bus_url, api, **options)
        self._pool = ThreadPoolExecutor(options.get("concurrency", CONCURRENCY), thread_name_prefix="dispatcher")
        self._cancels: set[asyncio.Task[Cancellation]] = set()

    async def submit(self, dispatch: Dispatch) -> Submitted:
        """Start a dispatch, as `Dispatcher.submit`."""
        return await self._run(partial(self._core.submit, dispatch))

    async def submit_many(self, dispatches: Iterable[Wanted]) -> AsyncIterator[Outcome]:
        """Submit many, as `Dispatcher.submit_many`."""
        bulk = self._core.begin_many()
        outcomes = bulk.run(dispatches)
        try:
            while (outcome := await self._run(partial(next, outcomes, None))) is not None:
                yield outcome
        finally:
            bulk.stop()

    async def cancel(self, dispatch: str, wait: float = WAIT_SECONDS) -> Cancellation:
        """Cancel a dispatch, as `Dispatcher.cancel`."""
        cancelling = asyncio.create_task(self._cancel(dispatch, wait))
        self._cancels.add(cancelling)
        cancelling.add_done_callback(self._cancels.discard)
        return await asyncio.shield(cancelling)

    async def get(self, dispatch: str) -> Report:
        """Return what is known of a dispatch, as `Dispatcher.get`."""
        return await self._run(partial(self._core.get, dispatch))

    async def close(self) -> None:
        """Wait for what is under way, and close the connections."""
        if self._cancels:
            await asyncio.wait(self._cancels)
        await asyncio.to_thread(self._close)

    async def __aenter__(self) -> "AsyncDispatcher":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _run(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)

    async def _cancel(self, dispatch: str, wait: float) -> Cancellation:
        step = partial(advance, self._core.cancel_in_steps(dispatch, wait))
        found = await self._run(step)
        while not isinstance(found, Cancellation):
            await asyncio.sleep(found)
            found = await self._run(step)
        return found

    def _close(self) -> None:
        self._core.stop_waiting()
        self._pool.shutdown()
        self._core.close()


def _checked(dispatch: str) -> str:
    try:
        return check_dispatch(dispatch)
    except BadName as error:
        raise UnknownDispatch(str(error)) from None
