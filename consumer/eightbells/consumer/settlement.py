"""What became of the endings that were begun: commits, releases and dead letters, sent in batches.

An ending is held from `hold` until the server has taken its settlement; while it is held its lease is renewed,
also when it only waits to be committed. After an outage everything unsettled is sent again: the scripts refuse
what has become somebody else's.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from eightbells.consumer.bus import Bus
from eightbells.consumer.delivery import Delivery
from eightbells.consumer.options import Options
from eightbells.consumer.outage import Link
from eightbells.events.contract.limits import BATCH
from eightbells.events.leasing import DeadLetter, Held, Leased, Release

GATHER_SECONDS = 0.005
"""How long a commit waits for company."""

_log = logging.getLogger(__name__)
Settled = TypeVar("Settled", Held, Release, DeadLetter)


class Settlement:
    """The endings that this process holds, and what has been decided about them."""

    def __init__(self, bus: Bus, link: Link, options: Options) -> None:
        self._bus = bus
        self._link = link
        self._options = options
        self._held: dict[str, int] = {}
        self._commits: list[Held] = []
        self._releases: list[Release] = []
        self._letters: list[DeadLetter] = []
        self._arrived = asyncio.Event()
        self._full = asyncio.Event()
        self._sending = asyncio.Lock()
        self.committed = 0
        self.lost = 0

    def hold(self, dispatch: str, fence: int) -> None:
        """Note an ending that was begun."""
        self._held[dispatch] = fence

    def is_held(self, dispatch: str) -> bool:
        """Whether this process holds the dispatch's ending, or is about to give it back."""
        return dispatch in self._held

    def commit(self, delivery: Delivery) -> None:
        """Decide that an ending is handled."""
        self._commits.append(delivery.held)
        self._arrived.set()
        if len(self._commits) >= BATCH:
            self._full.set()

    def release(self, dispatch: str, fence: int, delay: float = 0.0, *, refund: bool = False) -> None:
        """Decide that an ending is due again after `delay` seconds; `refund`: this try does not count."""
        self._releases.append(Release(dispatch, fence, int(delay * 1000), refund))
        self._arrived.set()

    def bury(self, dispatch: str, fence: int, error: str, traceback: str = "") -> None:
        """Decide that an ending goes to the dead letters."""
        _log.error("an ending goes to the dead letters", extra={"action": "dead", "dispatch": dispatch, "error": error})
        self._letters.append(DeadLetter(dispatch, fence, error, traceback))
        self._arrived.set()

    async def run(self) -> None:
        """Send decisions as they come, for ever."""
        while True:
            await self._arrived.wait()
            if len(self._commits) < BATCH:
                self._full.clear()
                await _either(self._full, GATHER_SECONDS)
            self._arrived.clear()
            await self.flush()

    async def flush(self) -> None:
        """Send every decision, through outages."""
        async with self._sending:
            while self.unsettled:
                await self._send(self._commits, self._bus.commit)
                await self._send(self._releases, self._bus.release)
                await self._send(self._letters, self._bus.dead)

    @property
    def unsettled(self) -> int:
        """How many decisions the server has not taken yet."""
        return len(self._commits) + len(self._releases) + len(self._letters)

    async def _send(self, pending: list[Settled], send: Callable[[Sequence[Settled]], Awaitable[list[Leased]]]) -> None:
        batch = pending[:BATCH]
        if not batch:
            return

        replies = await self._link.persist(lambda: send(batch))
        del pending[: len(batch)]
        for one, reply in zip(batch, replies, strict=True):
            self._settle(one, reply)

    def _settle(self, one: Held | Release | DeadLetter, reply: Leased) -> None:
        if self._held.get(one.dispatch) == one.fence:
            del self._held[one.dispatch]
        if reply.status in {"ok", "dup"}:
            self.committed += isinstance(one, Held)
            return
        self.lost += 1
        reason = reply.message or "another consumer has the lease: its handler may have run twice"
        _log.warning(
            "an ending could not be settled", extra={"action": "lost", "dispatch": one.dispatch, "error": reason}
        )

    async def keep_leases(self) -> None:
        """Renew the leases of everything held, for ever; three times in the life of a lease."""
        while True:
            await asyncio.sleep(self._options.lease / 3)
            held = [Held(dispatch, fence) for dispatch, fence in self._held.items()]
            for start in range(0, len(held), BATCH):
                await self._renew(held[start : start + BATCH])

    async def _renew(self, held: list[Held]) -> None:
        replies = await self._link.persist(lambda: self._bus.renew(held, self._options.lease_ms))
        for one, reply in zip(held, replies, strict=True):
            # One that was settled while the renewal was under way is no longer held, and not lost.
            if reply.status == "lost" and self._held.get(one.dispatch) == one.fence:
                del self._held[one.dispatch]
                _log.warning("a lease was lost", extra={"action": "lease_lost", "dispatch": one.dispatch})


async def _either(event: asyncio.Event, seconds: float) -> None:
    """Wait for the event, or for the time."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
