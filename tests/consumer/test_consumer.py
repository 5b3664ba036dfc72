"""An ending goes from the bus to a handler, once for each group, and is committed."""

import asyncio
import functools
import threading
from collections.abc import Callable
from typing import Any

import pytest
from eightbells.consumer import Delivery

from tests.consumer.consuming import Held, Seen, Town, running


async def test_an_ending_reaches_the_handler_once_and_is_committed(town: Town) -> None:
    """What is published is handled once, and the group is owed nothing afterwards."""
    seen = Seen()
    consumer = town.consumer(seen)
    async with running(consumer) as works:
        town.publish("d")
        await works.until(lambda: consumer.settlement.committed == 1)
    assert seen.dispatches == ["d"]
    assert town.state("d") == "c"
    assert town.is_settled()


async def test_what_was_published_before_it_came_is_handled(town: Town) -> None:
    """A consumer that starts late gets what its group is owed."""
    town.publish("before")
    seen = Seen()
    async with running(town.consumer(seen)) as works:
        await works.until(town.is_settled)
    assert seen.dispatches == ["before"]


async def test_a_group_is_registered_by_its_consumer(town: Town) -> None:
    """A consumer of a group that nobody knows makes it, and gets what is accepted from then on."""
    seen = Seen()
    consumer = town.consumer(seen, "new")
    async with running(consumer) as works:
        await works.until(lambda: b"g:new" in town.bus.client.hkeys(town.bus.key("cfg")))
        town.publish("d")
        await works.until(lambda: consumer.settlement.committed)
    assert seen.dispatches == ["d"]


async def test_every_group_gets_every_ending(town: Town) -> None:
    """Two groups are two readers: each handles all, neither sees the other."""
    town.bus.add("other")
    one, other = Seen(), Seen()
    async with running(town.consumer(one), town.consumer(other, "other")) as works:
        town.publish("a", "b")
        await works.until(lambda: town.is_settled() and town.is_settled("other"))
    assert sorted(one.dispatches) == sorted(other.dispatches) == ["a", "b"]


async def test_two_consumers_of_a_group_share_the_work(town: Town) -> None:
    """While both live, each ending is handled by one of them, and both work."""
    town.publish(*(f"d{i}" for i in range(400)))
    one, other = Seen(asyncio_step), Seen(asyncio_step)
    few: dict[str, Any] = {"concurrency": 2, "prefetch": 4}
    async with running(town.consumer(one, **few), town.consumer(other, **few)) as works:
        await works.until(town.is_settled)
    assert sorted(one.dispatches + other.dispatches) == sorted(f"d{i}" for i in range(400))
    assert one.deliveries
    assert other.deliveries


async def test_a_sync_handler_runs_in_a_thread(town: Town) -> None:
    """A handler that blocks does so in a thread of its own, as many at once as asked for."""
    together = threading.Barrier(2, timeout=10)
    threads = set()

    def handle(delivery: Delivery) -> None:
        together.wait()
        threads.add(threading.current_thread())

    async with running(town.consumer(handle, concurrency=2)) as works:
        town.publish("a", "b")
        await works.until(town.is_settled)
    assert len(threads) == 2
    assert threading.main_thread() not in threads


async def test_a_thread_that_stays_busy_does_not_hold_up_the_loop(town: Town) -> None:
    """While a sync handler blocks, other endings are handled and committed."""
    gate = threading.Event()

    def handle(delivery: Delivery) -> None:
        if delivery.dispatch == "slow":
            assert gate.wait(10)

    try:
        async with running(town.consumer(handle, concurrency=2)) as works:
            town.publish("slow", "quick")
            await works.until(lambda: town.state("quick") == "c")
            assert town.state("slow") == "h"
            gate.set()
            await works.until(lambda: town.state("slow") == "c")
    finally:
        gate.set()


class Method:
    """Something to call in every way a handler can be given."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    async def method(self, delivery: Delivery) -> None:
        await asyncio.sleep(0)
        self.calls.append(delivery.dispatch)

    __call__ = method


def plainly(handler: Callable[[Delivery], Any]) -> Callable[[Delivery], Any]:
    """A decorator that does not know of coroutines."""

    @functools.wraps(handler)
    def call(delivery: Delivery) -> Any:
        return handler(delivery)

    return call


@pytest.mark.parametrize("kind", ["method", "object", "partial", "decorated"])
async def test_every_kind_of_async_handler_is_awaited(town: Town, kind: str) -> None:
    """An ending is committed when the handler has done its work, not when it has made a coroutine."""
    target = Method()
    handlers: dict[str, Any] = {
        "method": target.method,
        "object": target,
        "partial": functools.partial(Method.method, target),
        "decorated": plainly(target.method),
    }
    async with running(town.consumer(handlers[kind])) as works:
        town.publish("d")
        await works.until(town.is_settled)
    assert target.calls == ["d"]


async def test_events_of_one_dispatch_come_in_order_one_at_a_time(town: Town) -> None:
    """The handler sees running, then attempt_ended, then the ending, and never two of them at once."""
    inside = 0

    async def act(delivery: Delivery) -> None:
        nonlocal inside
        assert not inside
        inside += 1
        await asyncio_step(delivery)
        inside -= 1

    seen = Seen(act)
    consumer = town.consumer(seen, progress=True)
    town.publish("d", state="running")
    town.publish("d", state="attempt_ended")
    town.publish("d", state="failed", code="exit_nonzero", exit_code=7)
    async with running(consumer) as works:
        await works.until(town.is_settled)
    assert consumer.workers.failed == 0
    assert seen.states == ["running", "attempt_ended", "failed"]


async def test_other_dispatches_do_not_wait_for_a_busy_lane(town: Town) -> None:
    """An event that waits behind another of its dispatch keeps no handler from working."""
    held = Held()

    async def act(delivery: Delivery) -> None:
        if delivery.event.data.state == "running":
            await held(delivery)

    seen = Seen(act)
    town.publish("a", state="running")
    town.publish("a", "b")
    async with running(town.consumer(seen, progress=True, concurrency=2)) as works:
        await works.until(lambda: town.state("b") == "c")
        assert ("a", "completed") not in [(one.dispatch, one.event.data.state) for one in seen.deliveries]
        held.let_go()
        await works.until(town.is_settled)
    assert [(one.dispatch, one.event.data.state) for one in seen.deliveries][-1] == ("a", "completed")


async def test_progress_comes_only_to_those_who_ask(town: Town) -> None:
    """Without the option a handler gets endings alone."""
    seen = Seen()
    async with running(town.consumer(seen)) as works:
        town.publish("d", state="running")
        town.publish("d")
        await works.until(town.is_settled)
    assert seen.states == ["completed"]


async def test_progress_comes_once_though_the_log_is_read_again(town: Town) -> None:
    """A group whose place in the log is made anew is not told of the same progress twice."""
    seen = Seen()
    async with running(town.consumer(seen, progress=True)) as works:
        town.publish("d", state="running")
        await works.until(lambda: seen.states)
        town.bus.client.xgroup_destroy(town.bus.key("ev"), "g")
        town.publish("e", state="running")
        await works.until(lambda: "e" in seen.dispatches)
    assert seen.dispatches == ["d", "e"]


async def test_failed_progress_is_not_repeated(town: Town) -> None:
    """Progress is at most once: a handler that fails on it is not asked again, and the ending still comes."""

    async def act(delivery: Delivery) -> None:
        if not delivery.fence:
            raise ValueError("no")

    seen = Seen(act)
    async with running(town.consumer(seen, progress=True)) as works:
        town.publish("d", state="running")
        town.publish("d")
        await works.until(town.is_settled)
    assert seen.states == ["running", "completed"]
    assert town.letters() == []


async def asyncio_step(_: Delivery) -> None:
    """Let everything else have its turn, so that what could overlap does."""
    for _turn in range(3):
        await asyncio.sleep(0)
