"""A consumer as a process of its own: `python -m tests.consumer.worker URL NAMESPACE HANDLER OPTIONS`.

Its handlers note what they were given in the list `begun` on the same server, so that a note outlives them.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
from typing import Any

import redis
from eightbells.consumer import Consumer, Delivery

from tests.consumer.consuming import QUICK, Town

BEGUN = "begun"
Process = subprocess.Popen[bytes]


def start(town: Town, handler: str, **options: Any) -> Process:
    """Start one; the test ends it."""
    command = [sys.executable, "-m", "tests.consumer.worker", town.url, town.bus.namespace, handler]
    return subprocess.Popen([*command, json.dumps({**QUICK, **options})])


def begun(town: Town) -> list[str]:
    """What the handlers of all of them were given, in order."""
    notes: Any = town.bus.client.lrange(BEGUN, 0, -1)
    return [note.decode() for note in notes]


class Handlers:
    """What a worker can be told to do."""

    def __init__(self, url: str) -> None:
        self._notes = redis.Redis.from_url(url)

    async def hang(self, delivery: Delivery) -> None:
        """Never come to an end."""
        self._notes.rpush(BEGUN, delivery.dispatch)
        await asyncio.Event().wait()

    async def die_of_poison(self, delivery: Delivery) -> None:
        """Die at once of what is poison, as of a lack of memory, and take everything else."""
        self._notes.rpush(BEGUN, delivery.dispatch)
        if "poison" in delivery.dispatch:
            os.kill(os.getpid(), signal.SIGKILL)


def main(url: str, namespace: str, handler: str, options: str) -> None:
    """Consume until stopped."""
    chosen = getattr(Handlers(url), handler)
    asyncio.run(Consumer(url, "g", chosen, namespace=namespace, **json.loads(options)).run())


if __name__ == "__main__":
    main(*sys.argv[1:])
