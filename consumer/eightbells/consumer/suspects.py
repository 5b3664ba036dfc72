"""Endings whose tries all ended without a word: whoever handled them was killed, each time.

One of them may be what kills, and the others only near it. So each is given one more try, alone: one at a time, while
the others are given back with their try refunded. What does not survive that either is a dead letter, and nothing else.
"""

import asyncio
from collections.abc import Sequence

from eightbells.consumer.bus import Bus
from eightbells.consumer.options import Options
from eightbells.consumer.outage import Link
from eightbells.events.leasing import Begun, Release, Wanted


class Suspects:
    """The dispatches that wait for their last try, in the order they were found."""

    def __init__(self, bus: Bus, link: Link, options: Options) -> None:
        self._bus = bus
        self._link = link
        self._last_try = options.max_tries + 1
        self._waiting: asyncio.Queue[str] = asyncio.Queue()
        self._known: set[str] = set()

    def __contains__(self, dispatch: str) -> bool:
        return dispatch in self._known

    async def put_aside(self, wanted: Sequence[Wanted], replies: Sequence[Begun]) -> list[Begun]:
        """Give back what would begin its last try among others; return the replies, those put off till later."""
        found = [i for i, begun in enumerate(replies) if begun.status == "ok" and begun.tries == self._last_try]
        if not found:
            return list(replies)
        given_back = [Release(wanted[i].dispatch, replies[i].fence, refund=True) for i in found]
        await self._link.persist(lambda: self._bus.release(given_back))
        for one in given_back:
            if one.dispatch not in self._known:
                self._known.add(one.dispatch)
                self._waiting.put_nowait(one.dispatch)
        return [Begun("later") if i in found else begun for i, begun in enumerate(replies)]

    async def take(self) -> str:
        """Wait for the next; '' after `stop`."""
        return await self._waiting.get()

    def leave(self, dispatch: str) -> None:
        """Say that a suspect has had its last try, or is somebody else's."""
        self._known.discard(dispatch)

    def stop(self) -> None:
        """Forget those that wait: they are due again for everybody."""
        while not self._waiting.empty():
            self._waiting.get_nowait()
        self._waiting.put_nowait("")
