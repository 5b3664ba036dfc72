"""The consumer of the drills: what a handler was given, and when."""

import asyncio
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from eightbells.consumer import Consumer, Delivery
from eightbells.events.schema import Data


class Heard(NamedTuple):
    """An ending that was handled."""

    at: float
    data: Data


class Handled:
    """All endings, by dispatch."""

    def __init__(self) -> None:
        self._heard: dict[str, list[Heard]] = defaultdict(list)

    def take(self, delivery: Delivery) -> None:
        """The handler."""
        self._heard[delivery.dispatch].append(Heard(time.time(), delivery.event.data))

    def of(self, dispatch: str) -> list[Heard]:
        return list(self._heard.get(dispatch, ()))


@contextmanager
def listening(url: str, namespace: str) -> Iterator[Handled]:
    """Consume in a thread of its own; it has ended at the end."""
    handled = Handled()
    started: list[tuple[asyncio.AbstractEventLoop, Consumer]] = []
    is_begun = threading.Event()

    async def consume() -> None:
        started.append((asyncio.get_running_loop(), Consumer(url, "drills", handled.take, namespace=namespace)))
        is_begun.set()
        await started[0][1].run()

    thread = threading.Thread(target=lambda: asyncio.run(consume()), name="drills")
    thread.start()
    is_begun.wait()
    loop, consumer = started[0]
    try:
        yield handled
    finally:
        loop.call_soon_threadsafe(consumer.stop)
        thread.join()
