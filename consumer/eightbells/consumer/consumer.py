"""The consumer: the log and the queue on one side, a handler on the other, and a lease in between."""

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from typing import Any

import msgspec
from eightbells.consumer.bus import Bus
from eightbells.consumer.connection import RedisError, connect
from eightbells.consumer.errors import BadOption
from eightbells.consumer.handler import Handler
from eightbells.consumer.intake import Intake
from eightbells.consumer.lanes import Lanes
from eightbells.consumer.options import Options, default_owner
from eightbells.consumer.outage import Link
from eightbells.consumer.settlement import Settlement
from eightbells.consumer.workers import Workers

LAST_WORDS_SECONDS = 5.0
"""What stopping may take beyond its deadline: the last decisions have to reach the server."""

LET_GO_SECONDS = 1.0
"""Of these and of the deadline, how long something under way is waited for: a call, or a handler that goes on though
it was cancelled.
"""

_log = logging.getLogger(__name__)


class Consumer:
    """Delivers every ending of a namespace to a handler: at least once, committed once.

    The handler is a function of one `Delivery`, async, or sync (then it runs in one of `concurrency` threads).
    `options` are the fields of `Options`. `run` works until `stop` is called or its task is cancelled, once.
    """

    def __init__(self, url: str, group: str, handler: Handler, **options: object) -> None:
        self.options = make_options(group, options)
        self._client = connect(url)
        self.link = link = Link()
        bus = Bus(self._client, self.options.namespace, group, self.options.owner)
        self._lanes = Lanes(self.options.held_at_most, self.options.prefetch_bytes)
        self.settlement = Settlement(bus, link, self.options)
        self.workers = Workers(handler, self._lanes, self.settlement, self.options)
        self._intake = Intake(bus, link, self._lanes, self.settlement, self.options)
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Take nothing new, let handlers end within the stop deadline, and hand back what is not done. Call it in
        the event loop's own thread: a signal handler of the loop, or `call_soon_threadsafe`.
        """
        self._stopping.set()

    async def run(self) -> None:
        """Work until `stop`. Raises what the server refuses for good, such as missing rights."""
        intake, settlement = self._intake, self.settlement
        stopping = asyncio.create_task(self._stopping.wait())
        takers = start([intake.read_log(), intake.begin_log(), intake.take_due(), intake.take_suspects()])
        keepers = start([intake.touch(), settlement.run(), settlement.keep_leases()])
        keepers += start([self.workers.work() for _ in range(self.options.concurrency)])
        try:
            await asyncio.wait([*takers, *keepers, stopping], return_when=asyncio.FIRST_COMPLETED)
        finally:
            try:
                await self._wind_up(takers, keepers)
            finally:
                for task in [*takers, *keepers, stopping]:
                    task.cancel()
                self.workers.close()
                await self._client.aclose()
        raise_first([*takers, *keepers])

    async def _wind_up(self, takers: Sequence["asyncio.Task[None]"], keepers: Sequence["asyncio.Task[None]"]) -> None:
        """Hand back what no handler has begun, give the rest until the deadline, then hand that back too."""
        has_failed = any(task.done() for task in [*takers, *keepers])
        end = asyncio.get_running_loop().time() + self.options.stop_deadline
        self._intake.stop()
        self._hand_back_waiting()
        if not has_failed:
            await asyncio.wait(takers, timeout=LET_GO_SECONDS)
        await let_go(takers)
        self._hand_back_waiting()
        if not has_failed:
            await until(end, self._lanes.until_empty())
        self.workers.stop()
        await let_go(keepers)
        await self._say_last_words(end + LAST_WORDS_SECONDS)

    def _hand_back_waiting(self) -> None:
        for delivery in self._lanes.clear():
            if delivery.fence:
                self.settlement.release(delivery.dispatch, delivery.fence, refund=True)

    async def _say_last_words(self, end: float) -> None:
        problem = "no answer"
        try:
            if await until(end, self.settlement.flush()):
                return
        except RedisError as error:
            problem = str(error)
        left = {"action": "stopped_unsettled", "endings": self.settlement.unsettled, "error": problem}
        _log.warning("the server did not take the last decisions: their leases will lapse", extra=left)


def make_options(group: str, options: dict[str, object]) -> Options:
    """Return the options of a consumer. Raises `BadOption`."""
    try:
        return msgspec.convert({"owner": default_owner(), **options, "group": group}, Options)
    except msgspec.ValidationError as error:
        raise BadOption(f"an option of the consumer cannot be used: {error}") from None


def start(coroutines: Sequence[Coroutine[Any, Any, None]]) -> list["asyncio.Task[None]"]:
    """Start each as a task of its own."""
    return [asyncio.create_task(one) for one in coroutines]


async def let_go(tasks: Sequence["asyncio.Task[None]"]) -> None:
    """Cancel tasks and wait for their end; their errors stay in them. Who does not listen is left alone."""
    for task in tasks:
        task.cancel()
    _, deaf = await asyncio.wait(tasks, timeout=LET_GO_SECONDS)
    if deaf:
        names = sorted({getattr(task.get_coro(), "__qualname__", "") for task in deaf})
        extra = {"action": "deaf", "tasks": len(deaf), "of": names}
        _log.warning("something goes on though it was cancelled: a handler, or a call to the server", extra=extra)


async def until(end: float, awaited: Coroutine[Any, Any, None]) -> bool:
    """Wait for something, no longer than to this time of the loop; return whether it came.

    Not asyncio.timeout_at: before Python 3.11.4 that takes the cancellation of our own task, which we may be acting
    on, for its own.
    """
    task = asyncio.create_task(awaited)
    try:
        await asyncio.wait([task], timeout=max(0.0, end - asyncio.get_running_loop().time()))
    finally:
        has_come = task.done()
        if not has_come:
            task.cancel()
            await asyncio.wait([task])
    if has_come:
        task.result()
    return has_come


def raise_first(tasks: Sequence["asyncio.Task[None]"]) -> None:
    """Raise the first error that ended a task by itself."""
    for task in tasks:
        if task.done() and not task.cancelled() and task.exception():
            task.result()
