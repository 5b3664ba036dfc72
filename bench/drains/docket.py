"""docket (pydocket): a task that does nothing.

As its documentation says "for maximum throughput": no execution state (production, "Fire-and-Forget Mode"). A worker
whose slots are all taken sleeps for `minimum_check_interval`, which therefore decides what it handles: 1 ms here, and
its 50 slots, while the documentation's example has 100 ms.
"""

import asyncio
from datetime import timedelta

from docket import Docket, Worker  # type: ignore[import-not-found]  # only in the bench environment
from eightbells.events.schema import Event

from bench.events import dispatches, make_event
from bench.tally import Tally


def make_docket(url: str) -> Docket:
    return Docket(name="bench", url=f"{url}&max_connections=200", execution_ttl=timedelta(0))


async def count(event: Event) -> None:
    assert event.is_ending
    tally.add()


tally = Tally(0)
"""A task is found again by its name, so that it is a function of the module, and so is what it writes to."""


async def fill(url: str, target: int) -> None:
    """Add tasks that carry the same events."""
    async with make_docket(url) as docket:
        events = [make_event(dispatch, "completed", "exited_zero", "done\n") for dispatch in dispatches(target)]
        await docket.add_many([docket.call(count)(event) for event in events])


async def drain(url: str, target: int) -> float:
    """Return the seconds from the first task to the last."""
    global tally  # noqa: PLW0603
    tally = Tally(target)
    async with make_docket(url) as docket:
        docket.register(count)
        interval = timedelta(milliseconds=1)
        async with Worker(docket, concurrency=50, minimum_check_interval=interval) as worker:
            working = asyncio.create_task(worker.run_until_finished())
            await tally.full.wait()
            seconds = tally.seconds()
            await working
    return seconds
