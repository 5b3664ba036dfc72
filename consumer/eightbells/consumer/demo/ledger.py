"""What the demo's handler was told, and when; time since the command's end is read from the event itself."""

import asyncio
import time
from collections import Counter
from datetime import datetime

from eightbells.consumer.delivery import Delivery


class Ledger:
    """The demo's handler, and everything it has seen."""

    def __init__(self) -> None:
        self.endings: dict[str, Delivery] = {}
        self.times_delivered: Counter[str] = Counter()
        self.latencies_ms: dict[str, float] = {}
        self.states: dict[str, str] = {}
        self._changed = asyncio.Condition()

    async def handle(self, delivery: Delivery) -> None:
        """Note a delivery."""
        now = time.time()
        data = delivery.event.data
        async with self._changed:
            self.states[delivery.dispatch] = data.state
            if delivery.event.is_ending:
                self.times_delivered[delivery.dispatch] += 1
                self.endings[delivery.dispatch] = delivery
                if data.reporter == "wrapper" and data.finished_at:
                    ended = datetime.fromisoformat(data.finished_at).timestamp()
                    self.latencies_ms[delivery.dispatch] = (now - ended) * 1000
            self._changed.notify_all()

    async def until_running(self, dispatch: str) -> None:
        """Wait until the handler has heard of the dispatch."""
        async with self._changed:
            await self._changed.wait_for(lambda: dispatch in self.states)

    async def until_ended(self, dispatch: str) -> Delivery:
        """Wait for the dispatch's ending, and return it."""
        async with self._changed:
            await self._changed.wait_for(lambda: dispatch in self.endings)
        return self.endings[dispatch]


def percentile(values: list[float], share: float) -> float:
    """Return the value that `share` (0 to 1) of the values do not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
