"""What became of the endings that were begun: commits, releases and dead letters, sent in batches.

An ending is held from `hold` until the server has taken its settlement; while it is held its lease is renewed,
also when it only waits to be committed. After an outage everything unsettled is sent again: the scripts refuse
what has become somebody else's.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
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
    """The endings that this process holds, and what has been decided about them.

    `committed` counts endings that the server recorded as handled here; `lost` counts decisions it refused, because
    the lease had become somebody else's.
    """

    def __init__(self, bus: Bus, link: Link, options: Options) -> None:
        self._bus = bus
        self._link = link
        self._options = options
        self._held: dict[str, tuple[int, float]] = {}
        self._commits: list[Held] = []
        self._releases: list[Release] = []
        self._letters: list[DeadLetter] = []
        self._arrived = asyncio.Event()
        self._full = asyncio.Event()
        self._settled = asyncio.Event()
        self._sending = asyncio.Lock()
        self.committed = 0
        self.lost = 0

    def hold(self, dispatch: str, fence: int, asked_at: float) -> None:
        """Note an ending that was begun by a call made at `asked_at`, of the monotonic clock."""
        self._held[dispatch] = (fence, asked_at + self._options.lease)

    def is_held(self, dispatch: str) -> bool:
        """Whether this process holds the dispatch's ending, or is about to give it back."""
        return dispatch in self._held

    def may_handle(self, delivery: Delivery) -> bool:
        """Whether a handler may begin now. A lease that may have lapsed while its ending waited, because the server
        was away or this process was stopped, is given back: somebody else may have the ending.
        """
        if not delivery.fence:
            return True
        fence, until = self._held.get(delivery.dispatch, (0, 0.0))
        if fence != delivery.fence:
            return False
        if time.monotonic() < until:
            return True
        self.release(delivery.dispatch, fence, refund=True)
        return False

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
        self._letters.append(DeadLetter(dispatch, fence, printable(error), printable(traceback)))
        self._arrived.set()

    async def run(self) -> None:
        """Send decisions as they come, for ever."""
        while True:
            await self._arrived.wait()
            self._full.clear()
            if len(self._commits) < BATCH:
                await either(self._full, GATHER_SECONDS)
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

    async def until_settled(self, dispatch: str) -> None:
        """Wait until this process no longer holds the dispatch's ending."""
        while dispatch in self._held:
            self._settled.clear()
            await self._settled.wait()

    async def _send(self, pending: list[Settled], send: Callable[[Sequence[Settled]], Awaitable[list[Leased]]]) -> None:
        batch = pending[:BATCH]
        if not batch:
            return

        replies = await self._link.persist(lambda: send(batch))
        del pending[: len(batch)]
        for one, reply in zip(batch, replies, strict=True):
            self._settle(one, reply)
        self._settled.set()

    def _settle(self, one: Held | Release | DeadLetter, reply: Leased) -> None:
        self._let_go(one.dispatch, one.fence)
        if reply.status in {"ok", "dup"}:
            self.committed += isinstance(one, Held)
            return
        self.lost += 1
        reason = reply.message or "another consumer has the lease: its handler may have run twice"
        _log.warning(
            "an ending could not be settled", extra={"action": "lost", "dispatch": one.dispatch, "error": reason}
        )

    def _let_go(self, dispatch: str, fence: int) -> bool:
        """Hold the ending no longer, if it is still held under this fence."""
        if self._held.get(dispatch, (0, 0.0))[0] != fence:
            return False
        del self._held[dispatch]
        return True

    async def keep_leases(self) -> None:
        """Renew the leases of everything held, for ever; three times in the life of a lease."""
        while True:
            await asyncio.sleep(self._options.lease / 3)
            held = [Held(dispatch, fence) for dispatch, (fence, _) in self._held.items()]
            for start in range(0, len(held), BATCH):
                await self._link.persist(lambda batch=held[start : start + BATCH]: self._renew(batch))  # type: ignore[misc]

    async def _renew(self, held: list[Held]) -> None:
        asked_at = time.monotonic()
        replies = await self._bus.renew(held, self._options.lease_ms)
        for one, reply in zip(held, replies, strict=True):
            if reply.status == "ok":
                self._extend(one, asked_at)
            elif reply.status == "lost" and not self._is_decided(one) and self._let_go(one.dispatch, one.fence):
                _log.warning("a lease was lost", extra={"action": "lease_lost", "dispatch": one.dispatch})
        self._settled.set()

    def _extend(self, one: Held, asked_at: float) -> None:
        if self._held.get(one.dispatch, (0, 0.0))[0] == one.fence:
            self.hold(one.dispatch, one.fence, asked_at)

    def _is_decided(self, one: Held) -> bool:
        """Whether a decision is on its way, whose own reply will tell more."""
        decided: list[Held | Release | DeadLetter] = [*self._commits, *self._releases, *self._letters]
        return any(other.dispatch == one.dispatch and other.fence == one.fence for other in decided)


def printable(text: str) -> str:
    """Return text that can be encoded: an error may quote file names, whose bytes Python keeps as lone surrogates."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


async def either(event: asyncio.Event, seconds: float) -> None:
    """Wait for the event, or for the time."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
