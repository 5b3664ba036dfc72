"""What was begun and waits for a handler: one at a time for each dispatch, in the order it came.

A dispatch is in its lane from `put` until `leave`; a second event of the same dispatch waits behind it without
holding up any other dispatch. Places are promised before anything is fetched, so that no more is held than fits.
"""

import asyncio
from collections import deque

from eightbells.consumer.delivery import Delivery


class Lanes:
    """The buffer between the bus and the handlers: `limit` deliveries, those in handlers counted.

    It also closes at `limit_bytes` of documents; what was promised a place before is taken still.
    """

    def __init__(self, limit: int, limit_bytes: int) -> None:
        self._limit = limit
        self._limit_bytes = limit_bytes
        self._ready: asyncio.Queue[Delivery] = asyncio.Queue()
        self._behind: dict[str, deque[Delivery]] = {}
        self._size = 0
        self._bytes = 0
        self._promised = 0
        self._changed = asyncio.Event()

    @property
    def room(self) -> int:
        """How many places are neither taken nor promised."""
        return 0 if self._bytes >= self._limit_bytes else self._limit - self._size - self._promised

    async def reserve(self, most: int) -> int:
        """Wait for room, and promise up to `most` places: not before a quarter is free, so that reads stay large,
        and never more than half, so that neither the log nor the queue keeps the other out.
        """
        while self.room < max(1, self._limit // 4):
            await self._change()
        count = min(most, self.room, self._limit // 2)
        self._promised += count
        return count

    def give_back(self, count: int) -> None:
        """Return places that were promised."""
        self._promised -= count
        self._changed.set()

    def put(self, delivery: Delivery) -> None:
        """Add a delivery behind those of its dispatch."""
        self._size += 1
        self._bytes += len(delivery.document)
        behind = self._behind.get(delivery.dispatch)
        if behind is None:
            self._behind[delivery.dispatch] = deque()
            self._ready.put_nowait(delivery)
        else:
            behind.append(delivery)

    async def take(self) -> Delivery:
        """Wait for the next delivery whose dispatch has no handler running."""
        return await self._ready.get()

    def leave(self, delivery: Delivery) -> None:
        """Say that the handler of a delivery is done with it."""
        self._forget(delivery)
        behind = self._behind[delivery.dispatch]
        if behind:
            self._ready.put_nowait(behind.popleft())
        else:
            del self._behind[delivery.dispatch]

    def clear(self) -> list[Delivery]:
        """Take out what no handler has begun."""
        waiting: list[Delivery] = []
        while not self._ready.empty():
            waiting.append(self._ready.get_nowait())
        for delivery in waiting.copy():
            waiting.extend(self._behind.pop(delivery.dispatch))
        for behind in self._behind.values():
            waiting.extend(behind)
            behind.clear()
        for delivery in waiting:
            self._forget(delivery)
        return waiting

    async def until_empty(self) -> None:
        """Wait until nothing waits and no handler runs."""
        while self._size:
            await self._change()

    def _forget(self, delivery: Delivery) -> None:
        self._size -= 1
        self._bytes -= len(delivery.document)
        self._changed.set()

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()
