"""The consumer: the log and the queue on one side, a handler on the other, and a lease in between."""

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from typing import Any

import msgspec
from eightbells.consumer.bus import Bus
from eightbells.consumer.connection import connect
from eightbells.consumer.errors import BadOption
from eightbells.consumer.handler import Handler
from eightbells.consumer.intake import Intake
from eightbells.consumer.lanes import Lanes
from eightbells.consumer.options import Options, default_owner
from eightbells.consumer.outage import Link
from eightbells.consumer.settlement import Settlement
from eightbells.consumer.workers import Workers

LAST_WORDS_SECONDS = 5.0
"""How long the last decisions may take to reach the server, after the stop deadline."""

_log = logging.getLogger(__name__)


class Consumer:
    """Delivers every ending of a namespace to a handler: at least once, committed once.

    The handler is a function of one `Delivery`, async, or sync (then it runs in one of `concurrency` threads).
    `options` are the fields of `Options`. `run` works until `stop` is called or its task is cancelled.
    """

    def __init__(self, url: str, group: str, handler: Handler, **options: object) -> None:
        try:
            self.options = msgspec.convert({"owner": default_owner(), **options, "group": group}, Options)
        except msgspec.ValidationError as error:
            raise BadOption(f"an option of the consumer cannot be used: {error}") from None
        self._client = connect(url)
        self._link = Link()
        self._lanes = Lanes(self.options.concurrency + self.options.prefetch)
        bus = Bus(self._client, self.options.namespace, group, self.options.owner)
        self.settlement = Settlement(bus, self._link, self.options)
        self.workers = Workers(handler, self._lanes, self.settlement, self.options)
        self._intake = Intake(bus, self._link, self._lanes, self.settlement, self.options)
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Take nothing new, let handlers end within the stop deadline, and hand back what is not done."""
        self._stopping.set()

    async def run(self) -> None:
        """Work until `stop`. Raises what the server refuses for good, such as missing rights."""
        stopping = asyncio.create_task(self._stopping.wait())
        takers: list[asyncio.Task[None]] = []
        keepers: list[asyncio.Task[None]] = []
        try:
            joining = asyncio.create_task(self._intake.join())
            takers.append(joining)
            await asyncio.wait([joining, stopping], return_when=asyncio.FIRST_COMPLETED)
            if not stopping.done():
                joining.result()
                takers = start([self._intake.read_log(), self._intake.take_due(), self._intake.touch()])
                keepers = start([self.settlement.run(), self.settlement.keep_leases()])
                keepers += start([self.workers.work() for _ in range(self.options.concurrency)])
                await asyncio.wait([*takers, *keepers, stopping], return_when=asyncio.FIRST_COMPLETED)
        finally:
            await self._wind_up(takers, keepers)
            stopping.cancel()
        raise_first([*takers, *keepers])

    async def _wind_up(self, takers: Sequence["asyncio.Task[None]"], keepers: Sequence["asyncio.Task[None]"]) -> None:
        """Hand back what no handler has begun, give the rest until the deadline, then hand that back too."""
        await cancel(takers)
        for delivery in self._lanes.clear():
            if delivery.fence:
                self.settlement.release(delivery.dispatch, delivery.fence, refund=True)
        if not any(task.done() for task in keepers):
            await within(self.options.stop_deadline, self._lanes.until_empty())
        await cancel(keepers)
        if not await within(LAST_WORDS_SECONDS, self.settlement.flush()):
            left = {"action": "stopped_unsettled", "endings": self.settlement.unsettled}
            _log.warning("the server did not take the last decisions: their leases will lapse", extra=left)
        self.workers.close()
        await self._client.aclose()


def start(coroutines: Sequence[Coroutine[Any, Any, None]]) -> list["asyncio.Task[None]"]:
    """Start each as a task of its own."""
    return [asyncio.create_task(one) for one in coroutines]


async def cancel(tasks: Sequence["asyncio.Task[None]"]) -> None:
    """Cancel tasks and wait for their end; their errors stay in them."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def within(seconds: float, awaited: Coroutine[Any, Any, None]) -> bool:
    """Wait for something, no longer than this many seconds; return whether it came."""
    try:
        async with asyncio.timeout(seconds):
            await awaited
    except TimeoutError:
        return False
    return True


def raise_first(tasks: Sequence["asyncio.Task[None]"]) -> None:
    """Raise the first error that ended a task by itself."""
    for task in tasks:
        if task.done() and not task.cancelled() and task.exception():
            task.result()
