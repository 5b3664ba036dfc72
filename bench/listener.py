"""A consumer in a process of its own: `python -m bench.listener URL COUNT` prints, as JSON, how many milliseconds after
the time that is in its output each ending reached the handler.
"""

import asyncio
import json
import sys
import time

from eightbells.consumer.consumer import Consumer
from eightbells.consumer.delivery import Delivery

from bench.bus import GROUP, NAMESPACE


async def main(url: str, count: int) -> None:
    """Listen until so many endings came."""
    times: list[float] = []

    async def handle(delivery: Delivery) -> None:
        now = time.time_ns()
        assert delivery.event.data.stdout, "the ending came without output"
        times.append((now - int(delivery.event.data.stdout.tail)) / 1e6)
        if len(times) == count:
            consumer.stop()

    consumer = Consumer(url, GROUP, handle, namespace=NAMESPACE)
    await consumer.run()
    print(json.dumps(times))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
