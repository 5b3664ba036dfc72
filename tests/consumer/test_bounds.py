"""What a consumer holds, and how often it asks: bounded, whatever is owed."""

import asyncio
from typing import Any

from eightbells.consumer import Delivery

from tests.consumer.consuming import Held, Seen, Town, running


async def test_prefetch_bounds_what_is_held(town: Town) -> None:
    """However much is owed, no more is leased than runs at once and may wait beside it."""
    dispatches = [f"d{i}" for i in range(40)]
    most = 0

    async def act(delivery: Delivery) -> None:
        nonlocal most
        # What was handled before is leased still while its commit is on its way; it is not what waits.
        unhandled = set(dispatches).difference(seen.dispatches[:-1])
        most = max(most, sum(town.state(dispatch) == "h" for dispatch in unhandled))
        await asyncio.sleep(0)

    seen = Seen(act)
    town.publish(*dispatches)
    async with running(town.consumer(seen, concurrency=2, prefetch=3)) as works:
        await works.until(town.is_settled)
    assert 1 < most <= 5


async def test_a_full_consumer_leaves_the_rest_to_others(town: Town) -> None:
    """What one cannot take in is not kept from another, neither in the log nor in the queue."""
    town.bus.set(patience=1)
    dispatches = [f"d{i}" for i in range(40)]
    town.publish(*dispatches)
    held, other = Held(), Seen()
    async with running(town.consumer(held, concurrency=2, prefetch=3)) as full:
        await full.until(lambda: sum(town.state(dispatch) == "h" for dispatch in dispatches) == 5)
        async with running(town.consumer(other)) as works:
            await works.until(lambda: len(town.bus.todo()) == 5)
        held.let_go()
        await full.until(town.is_settled)
    assert len(other.deliveries) == 35
    assert len(held.begun) == 5


async def test_commits_are_batched(town: Town) -> None:
    """Hundreds of endings cost a few calls, not one each."""
    town.publish(*(f"d{i}" for i in range(500)))
    seen = Seen()
    consumer = town.consumer(seen, due_interval=60)
    town.bus.client.config_resetstat()
    async with running(consumer) as works:
        await works.until(lambda: consumer.settlement.committed == 500)
    stats: Any = town.bus.client.info("commandstats")
    assert stats["cmdstat_evalsha"]["calls"] < 60
    assert len(seen.deliveries) == 500


async def test_nothing_is_left_of_what_was_handled(town: Town) -> None:
    """A consumer that has handled everything holds nothing: its memory does not grow with what it has done."""
    consumer = town.consumer(Seen())
    async with running(consumer) as works:
        for first in range(0, 600, 200):
            town.publish(*(f"d{first + i}" for i in range(200)))
            await works.until(town.is_settled)
        await works.until(lambda: consumer.settlement.committed == 600)
        assert not any(consumer.settlement.is_held(f"d{i}") for i in range(600))
        assert consumer.settlement.unsettled == 0


async def test_groups_leave_one_reader_in_the_log(town: Town) -> None:
    """However many consumers a group has had, the log remembers one: restarts add nothing that stays."""
    for pid in range(3):
        async with running(town.consumer(Seen(), owner=f"host:{pid}")) as works:
            town.publish(f"d{pid}")
            await works.until(town.is_settled)
    readers: Any = town.bus.client.xinfo_consumers(town.bus.key("ev"), "g")
    assert len(readers) == 1
