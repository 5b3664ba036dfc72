"""What was begun and waits for a handler: one at a time for each dispatch, in the order it came.

A dispatch is in its lane from `put` until `leave`; a second event of the same dispatch waits behind it without
holding up any other dispatch.
"""

import asyncio
from collections import deque

from eightbells.consumer.delivery import Delivery


class Lanes:
    """The buffer between the bus and the handlers; `room` is how many more it takes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._ready: asyncio.Queue[Delivery] = asyncio.Queue()
        self._behind: dict[str, deque[Delivery]] = {}
        self._size = 0
        self._changed = asyncio.Event()

    @property
    def room(self) -> int:
        """How many more deliveries the buffer takes, those in handlers counted."""
        return max(0, self._limit - self._size)

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits and no handler runs."""
        return self._size == 0

    def put(self, delivery: Delivery) -> None:
        """Add a delivery behind those of its dispatch."""
        self._size += 1
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
        self._size -= 1
        self._changed.set()
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
        for delivery in waiting:
            waiting.extend(self._behind.pop(delivery.dispatch))
        for behind in self._behind.values():
            waiting.extend(behind)
            behind.clear()
        self._size -= len(waiting)
        self._changed.set()
        return waiting

    async def until_room(self) -> None:
        """Wait until at least half of the buffer is free, so that reads stay large."""
        while self._size > self._limit // 2:
            await self._wait()

    async def until_empty(self) -> None:
        """Wait until nothing waits and no handler runs."""
        while self._size:
            await self._wait()

    async def _wait(self) -> None:
        self._changed.clear()
        await self._changed.wait()
