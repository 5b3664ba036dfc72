"""What comes in: new entries of the log, what is due in the queue, and the group's sign of life.

Both ways are one: begin, then a lane. The log is only the quick one; whatever it loses is still due.
"""

import asyncio
import logging
import time
from collections.abc import Sequence

from eightbells.consumer.bus import Bus, Entry
from eightbells.consumer.delivery import make_delivery
from eightbells.consumer.lanes import Lanes
from eightbells.consumer.options import Options
from eightbells.consumer.outage import Link
from eightbells.consumer.settlement import Settlement, either
from eightbells.consumer.suspects import Suspects
from eightbells.events.contract.keys import BadName, check_dispatch
from eightbells.events.contract.limits import BATCH
from eightbells.events.document import EventError
from eightbells.events.leasing import Begun, Wanted
from eightbells.events.schema import ENDINGS

CHUNK = 50
"""Endings of one begin. A server sends 64 KiB of a reply and then runs the next call: after longer ones, a read that
brings many documents would be late. More, shorter calls cost less than that.
"""

FULL_READ_SECONDS = 1.0
IDLE_READ_SECONDS = 0.1
"""On stop, how long a read may have been under way and still be waited for, because what it brings has left the log:
while the log had more than was asked for, its reply is sure to come; after that it may not.
"""

_log = logging.getLogger(__name__)


class Intake:
    """Fills the lanes of one consumer as far as there is room."""

    def __init__(self, bus: Bus, link: Link, lanes: Lanes, settlement: Settlement, options: Options) -> None:
        self._bus = bus
        self._link = link
        self._lanes = lanes
        self._settlement = settlement
        self._options = options
        self._suspects = Suspects(bus, link, options)
        self._arrived: asyncio.Queue[list[Entry]] = asyncio.Queue()
        self._reading: asyncio.Timeout | None = None
        self._asked_at = 0.0
        self._has_more = False
        self._stopping = asyncio.Event()
        self._unusable: set[str] = set()

    def stop(self) -> None:
        """Fetch nothing more, and begin what has been fetched."""
        self._stopping.set()
        self._suspects.stop()
        if self._reading:
            patience = FULL_READ_SECONDS if self._has_more else IDLE_READ_SECONDS
            self._reading.reschedule(max(asyncio.get_running_loop().time(), self._asked_at + patience))

    async def join(self) -> None:
        """Register the group, through outages."""
        reply = await self._link.persist(self._bus.join)
        if reply.count:
            _log.warning(
                "the group was dormant: nobody had consumed it, and what it was owed was dropped",
                extra={"action": "group_returned", "group": self._options.group, "dropped": reply.count},
            )

    async def read_log(self) -> None:
        """Join, and read until `stop`. What has come is begun meanwhile: this process and the server work at once."""
        await self.join()
        while not self._stopping.is_set():
            count = await self._lanes.reserve(BATCH)
            if self._stopping.is_set():
                break
            entries = await self._read(count)
            self._lanes.give_back(count - len(entries))
            if entries:
                self._arrived.put_nowait(entries)
        self._arrived.put_nowait([])

    async def _read(self, count: int) -> list[Entry]:
        self._asked_at = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(None) as self._reading:
                entries = await self._link.persist(lambda: self._bus.read(count))
        except TimeoutError:
            return []
        finally:
            self._reading = None
        if entries is None:
            await self.join()
            return []
        self._has_more = len(entries) == count
        return entries

    async def begin_log(self) -> None:
        """Begin what was read, until `stop`."""
        while entries := await self._arrived.get():
            for start in range(0, len(entries), CHUNK):
                await self._begin_entries(entries[start : start + CHUNK])

    async def _begin_entries(self, entries: Sequence[Entry]) -> None:
        taken = [one for one in entries if self._is_wanted(one) and self._is_usable(one.dispatch)]
        wanted = [Wanted(one.dispatch, "" if one.state in ENDINGS else one.id) for one in taken]
        self._lanes.give_back(len(entries) - len(taken))
        await self._begin(wanted, [one.document for one in taken])

    def _is_wanted(self, entry: Entry) -> bool:
        return entry.state in ENDINGS or self._options.progress

    def _is_usable(self, dispatch: str) -> bool:
        """Whether it is a dispatch; said once for a name that is none, or has a record that no script can read."""
        if dispatch in self._unusable:
            return False
        try:
            check_dispatch(dispatch)
        except BadName as error:
            self._refuse(dispatch, str(error))
            return False
        return True

    def _refuse(self, dispatch: str, error: str) -> None:
        self._unusable.add(dispatch)
        problem = {"action": "begin_failed", "dispatch": dispatch, "error": error}
        _log.error("what is on the bus under this name cannot be begun, and is passed over", extra=problem)

    async def take_due(self) -> None:
        """Take, until `stop`, what the log did not bring, and what was put off and is due again."""
        while not self._stopping.is_set():
            count = await self._lanes.reserve(CHUNK)
            if self._stopping.is_set():
                break
            # More than there is room for: what is passed over must not hide what comes after it.
            due = await self._link.persist(lambda: self._bus.due(BATCH + len(self._unusable)))
            mine = [Wanted(one, with_document=True) for one in due if self._is_mine(one)][:count]
            self._lanes.give_back(count - len(mine))
            await self._begin(mine)
            if len(mine) < count:
                await either(self._stopping, self._options.due_interval)

    def _is_mine(self, dispatch: str) -> bool:
        return not self._settlement.is_held(dispatch) and dispatch not in self._suspects and self._is_usable(dispatch)

    async def take_suspects(self) -> None:
        """Take, until `stop`, one at a time what nobody seems to survive."""
        while dispatch := await self._suspects.take():
            await self._lanes.reserve(1)
            await self._begin([Wanted(dispatch, with_document=True)], alone=True)
            await self._settlement.until_settled(dispatch)
            self._suspects.leave(dispatch)

    async def touch(self) -> None:
        """Say for ever, now and then, that the group is consumed."""
        while True:
            await asyncio.sleep(self._options.touch_interval)
            reply = await self._link.persist(self._bus.touch)
            if reply.status == "unknown":
                await self.join()

    async def _begin(
        self, wanted: Sequence[Wanted], documents: Sequence[bytes] | None = None, *, alone: bool = False
    ) -> None:
        """Begin what places were promised for."""
        if not wanted:
            return
        asked_at, replies = await self._link.persist(lambda: self._ask(wanted))
        if not alone:
            replies = await self._suspects.put_aside(wanted, replies)
        self._lanes.give_back(len(wanted))
        for i, (one, begun) in enumerate(zip(wanted, replies, strict=True)):
            if begun.status == "ok":
                self._admit(one, begun, begun.document if documents is None else documents[i], asked_at)
            elif begun.status == "error":
                self._refuse(one.dispatch, begun.message)

    async def _ask(self, wanted: Sequence[Wanted]) -> tuple[float, list[Begun]]:
        asked_at = time.monotonic()
        return asked_at, await self._bus.begin(wanted, self._options.lease_ms)

    def _admit(self, one: Wanted, begun: Begun, document: bytes, asked_at: float) -> None:
        """Put an event that is ours into its lane; what nobody can read, or nobody survives, is a dead letter."""
        if begun.fence:
            self._settlement.hold(one.dispatch, begun.fence, asked_at)
        if begun.tries > self._options.max_tries + 1:
            reason = f"the last of its {begun.tries - 1} tries ended without a word: the handler's process died in it"
            self._settlement.bury(one.dispatch, begun.fence, reason)
            return
        try:
            self._lanes.put(make_delivery(one.dispatch, begun, document))
        except EventError as error:
            problem = {"action": "undecodable", "dispatch": one.dispatch, "error": str(error)}
            _log.error("an event cannot be decoded", extra=problem)
            if begun.fence:
                self._settlement.bury(one.dispatch, begun.fence, str(error))
