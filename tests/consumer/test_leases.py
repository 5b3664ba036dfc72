"""A lease: one handler at a time holds an ending, and only who holds it decides what becomes of it."""

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from eightbells.consumer import Delivery

from tests.consumer import worker
from tests.consumer.consuming import SOURCE, Held, Seen, Town, event, running
from tests.waiting import wait_until

HOUR = 3600.0


async def test_a_slow_handler_keeps_its_lease(town: Town) -> None:
    """While a handler runs, for longer than a lease, nobody else is given its ending."""
    held, other = Held(), Seen()
    lease = 1.5
    slow = town.consumer(held, lease=lease)
    async with running(slow) as works:
        town.publish("d")
        await works.until(lambda: held.begun)
        first = int(town.lease("d")[3])
        async with running(town.consumer(other, lease=lease)) as others:
            await others.until(lambda: town.bus.now() > first + lease * 1000)
            held.let_go()
            await others.until(town.is_settled)
    assert held.begun == ["d"]
    assert other.dispatches == []
    assert slow.settlement.committed == 1


async def test_what_waits_for_a_handler_keeps_its_lease(town: Town) -> None:
    """An ending in the buffer is renewed like one in a handler: it is committed at its first try."""
    held = Held()
    async with running(town.consumer(held, lease=1.0, concurrency=1)) as works:
        town.publish("a", "b")
        await works.until(lambda: town.state("a") == town.state("b") == "h")
        first = int(town.lease("b")[3])
        await works.until(lambda: town.bus.now() > first)
        held.let_go()
        await works.until(town.is_settled)
    assert sorted(held.begun) == ["a", "b"]
    assert (town.lease("a")[1], town.lease("b")[1]) == ("1", "1")


async def test_a_lost_lease_cannot_commit(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    """A handler whose ending somebody else has begun changes nothing, and its consumer says so."""
    held = Held()
    consumer = town.consumer(held, lease=HOUR)
    with caplog.at_level(logging.WARNING):
        async with running(consumer) as works:
            town.publish("d")
            await works.until(lambda: held.begun)
            fence = steal(town, "d")
            held.let_go()
            await works.until(lambda: consumer.settlement.lost == 1)
    assert consumer.settlement.committed == 0
    assert (town.state("d"), int(town.lease("d")[2])) == ("h", fence)
    assert [(record.action, record.dispatch) for record in caplog.records] == [("lost", "d")]  # type: ignore[attr-defined]
    assert town.bus.commit("d", fence).status == "ok"


async def test_what_somebody_else_has_is_not_handled(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    """An ending in the buffer whose lease turns out to be lost never reaches the handler."""
    held = Held()
    with caplog.at_level(logging.WARNING):
        async with running(town.consumer(held, lease=1.0, concurrency=1)) as works:
            town.publish("a", "b")
            await works.until(lambda: held.begun and town.state("a") == town.state("b") == "h")
            waiting = "b" if held.begun == ["a"] else "a"
            fence = steal(town, waiting)
            await works.until(lambda: "lease_lost" in actions(caplog))
            held.let_go()
            await works.until(lambda: town.bus.todo().keys() == {waiting})
            town.bus.commit(waiting, fence)
    assert waiting not in held.begun


async def test_what_somebody_else_may_have_is_not_handled(town: Town) -> None:
    """A consumer that comes to itself after its leases have lapsed hands nothing of its buffer to the handler."""

    async def act(delivery: Delivery) -> None:
        # As a suspended process, or one that computes: nothing else of it runs, and no lease is renewed.
        wait_until(lambda: town.bus.now() > max(town.bus.todo().values()))
        if delivery.dispatch == "a":
            fences.append(town.bus.begin("b", lease_ms=int(HOUR * 1000)).fence)

    fences: list[int] = []
    seen = Seen(act)
    consumer = town.consumer(seen, lease=1.0, concurrency=1)
    town.publish("a")
    town.publish("b")
    async with running(consumer) as works:
        await works.until(lambda: town.bus.todo().keys() == {"b"} and consumer.settlement.lost)
    assert seen.dispatches == ["a"]
    assert town.bus.commit("b", fences[0]).status == "ok"


async def test_what_lapsed_in_the_buffer_has_lost_no_try(town: Town) -> None:
    """An ending whose lease ran out before its handler began comes again, at the same try."""

    async def act(delivery: Delivery) -> None:
        if delivery.dispatch == "a":
            wait_until(lambda: town.bus.now() > max(town.bus.todo().values()))

    seen = Seen(act)
    town.publish("a")
    town.publish("b")
    async with running(town.consumer(seen, lease=1.0, concurrency=1)) as works:
        await works.until(town.is_settled)
    assert [(one.dispatch, one.tries) for one in seen.deliveries] == [("a", 1), ("b", 1)]


async def test_the_key_stays_and_the_fence_rises(town: Town) -> None:
    """Every delivery of an event has the same idempotency key and a higher fence."""

    async def act(delivery: Delivery) -> None:
        if delivery.tries < 4:
            raise ValueError("not yet")

    seen = Seen(act)
    async with running(town.consumer(seen)) as works:
        town.publish("d")
        await works.until(town.is_settled)
    fences = [one.fence for one in seen.deliveries]
    assert len(fences) == 4
    assert fences == sorted(set(fences))
    key = hashlib.sha256(f"{SOURCE}\0{event('d').id}".encode()).hexdigest()[:32]
    assert {one.idempotency_key for one in seen.deliveries} == {key}


@contextmanager
def killed(town: Town, handler: str, **options: object) -> Iterator[worker.Process]:
    """A consumer's process, which does not outlive the block."""
    process = worker.start(town, handler, **options)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def test_a_try_survives_its_process(town: Town) -> None:
    """What a killed consumer had begun is given to another, as the next try and under a higher fence."""
    town.publish("d")
    with killed(town, "hang", lease=HOUR):
        wait_until(lambda: worker.begun(town) == ["d"])
        fence = int(town.lease("d")[2])
    seen = Seen()
    async with running(town.consumer(seen)) as works:
        town.bus.lapse("d")
        await works.until(town.is_settled)
    (delivery,) = seen.deliveries
    assert delivery.tries == 2
    assert delivery.fence > fence


def test_what_kills_every_handler_is_a_dead_letter(town: Town) -> None:
    """An ending whose handler kills its process is given up after `max_tries` and one alone, and the letter says so."""
    town.publish("poison")
    survive(town, max_tries=2)
    (letter,) = town.letters()
    assert worker.begun(town) == ["poison"] * 3
    assert (letter["k"], letter["tries"]) == ("poison", "4")
    assert letter["error"] == "the last of its 3 tries ended without a word: the handler's process died in it"


def test_what_was_near_a_killer_is_handled(town: Town) -> None:
    """Endings that were held each time when another killed their process are handled all the same."""
    near = [f"near{i}" for i in range(30)]
    town.publish("a-poison", *near)
    survive(town, max_tries=1, concurrency=1)
    assert [letter["k"] for letter in town.letters()] == ["a-poison"]
    assert {town.state(dispatch) for dispatch in near} == {"c"}


def survive(town: Town, **options: object) -> None:
    """Start a consumer whenever one has died, until nothing is owed; each finds the leases lapsed."""
    while not town.is_settled():
        for dispatch in town.bus.todo():
            if town.state(dispatch) == "h":
                town.bus.lapse(dispatch)
        with killed(town, "die_of_poison", lease=HOUR, **options) as process:
            wait_until(lambda process=process: process.poll() is not None or town.is_settled())  # type: ignore[misc]


def steal(town: Town, dispatch: str) -> int:
    """Let a lease lapse and take its ending, again where a renewal was on its way; return the fence."""

    def take() -> int:
        town.bus.lapse(dispatch)
        return town.bus.begin(dispatch, lease_ms=int(HOUR * 1000)).fence

    return wait_until(take)


def actions(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [getattr(record, "action", "") for record in caplog.records]
