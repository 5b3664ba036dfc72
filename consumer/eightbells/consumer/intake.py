"""What comes in: new entries of the log, what is due in the queue, and the group's sign of life.

Both ways are one: begin, then a lane. The log is only the quick one; whatever it loses is still due.
"""

import asyncio
import logging
from collections.abc import Sequence

from eightbells.consumer.bus import Bus, Entry
from eightbells.consumer.delivery import make_delivery
from eightbells.consumer.lanes import Lanes
from eightbells.consumer.options import Options
from eightbells.consumer.outage import Link
from eightbells.consumer.settlement import Settlement
from eightbells.events.contract.limits import BATCH
from eightbells.events.document import EventError
from eightbells.events.leasing import Begun, Wanted
from eightbells.events.schema import ENDINGS

_log = logging.getLogger(__name__)


class Intake:
    """Fills the lanes of one consumer as far as there is room."""

    def __init__(self, bus: Bus, link: Link, lanes: Lanes, settlement: Settlement, options: Options) -> None:
        self._bus = bus
        self._link = link
        self._lanes = lanes
        self._settlement = settlement
        self._options = options

    async def join(self) -> None:
        """Register the group, through outages."""
        await self._link.persist(self._join)

    async def _join(self) -> None:
        reply = await self._bus.join()
        if reply.count:
            _log.warning(
                "the group was dormant: nobody had consumed it, and what it was owed was dropped",
                extra={"action": "group_returned", "group": self._options.group, "dropped": reply.count},
            )

    async def read_log(self) -> None:
        """Read for ever, while the batch before is begun: the server and this process work at the same time."""
        beginning: asyncio.Task[None] | None = None
        try:
            while True:
                count = await self._room()
                entries = await self._link.persist(lambda count=count: self._bus.read(count))  # type: ignore[misc]
                if beginning:
                    await beginning
                beginning = asyncio.create_task(self._begin_entries(entries))
        finally:
            if beginning:
                # What the server has given must reach a lane, where stopping finds it.
                await asyncio.wait([beginning])

    async def _begin_entries(self, entries: Sequence[Entry]) -> None:
        taken = [one for one in entries if one.state in ENDINGS or self._options.progress]
        wanted = [Wanted(one.dispatch, "" if one.state in ENDINGS else one.id) for one in taken]
        await self._begin(wanted, [one.document for one in taken])

    async def take_due(self) -> None:
        """Take for ever what the log did not bring, and what was put off and is due again."""
        while True:
            count = await self._room()
            due = await self._link.persist(lambda count=count: self._bus.due(count))  # type: ignore[misc]
            mine = [Wanted(one, with_document=True) for one in due if not self._settlement.is_held(one)]
            await self._begin(mine)
            if len(mine) < count:
                await asyncio.sleep(self._options.due_interval)

    async def touch(self) -> None:
        """Say for ever, now and then, that the group is consumed."""
        while True:
            await asyncio.sleep(self._options.touch_interval)
            reply = await self._link.persist(self._bus.touch)
            if reply.status == "unknown":
                await self.join()

    async def _room(self) -> int:
        await self._lanes.until_room()
        return max(1, min(BATCH, self._lanes.room))

    async def _begin(self, wanted: Sequence[Wanted], documents: Sequence[bytes] | None = None) -> None:
        if not wanted:
            return
        lease_ms = self._options.lease_ms
        replies = await self._link.persist(lambda: self._bus.begin(wanted, lease_ms))
        for i, (one, begun) in enumerate(zip(wanted, replies, strict=True)):
            if begun.status == "ok":
                self._admit(one, begun, begun.document if documents is None else documents[i])
            elif begun.status == "error":
                problem = {"action": "begin_failed", "dispatch": one.dispatch, "error": begun.message}
                _log.error("an event could not be begun", extra=problem)

    def _admit(self, one: Wanted, begun: Begun, document: bytes) -> None:
        """Put an event that is ours into its lane; what nobody can read, or nobody survives, is a dead letter."""
        if begun.fence:
            self._settlement.hold(one.dispatch, begun.fence)
        try:
            delivery = make_delivery(one.dispatch, begun, document)
        except EventError as error:
            problem = {"action": "undecodable", "dispatch": one.dispatch, "error": str(error)}
            _log.error("an event cannot be decoded", extra=problem)
            if begun.fence:
                self._settlement.bury(one.dispatch, begun.fence, str(error))
            return
        if begun.tries > self._options.max_tries:
            reason = f"{begun.tries - 1} tries began and none reported: the handler's process died each time"
            self._settlement.bury(one.dispatch, begun.fence, reason)
        else:
            self._lanes.put(delivery)
