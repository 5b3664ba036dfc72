"""Lanes against a plain model: all that comes in goes out, one at a time for each dispatch, in order, within bounds."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from eightbells.consumer import Delivery
from eightbells.consumer.lanes import Lanes
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, precondition, rule

from tests.consumer.consuming import event

LIMIT = 8
T = TypeVar("T")


def delivery(dispatch: str, number: int = 0, document: bytes = b"") -> Delivery:
    """A delivery that is told from others by its number."""
    return Delivery(dispatch, event(dispatch), document, number, 1, {}, "", "", "")


class Model(RuleBasedStateMachine):
    """Puts, takes, leaves and clears in any order, beside lists that say what must come of it."""

    running = Bundle("running")

    def __init__(self) -> None:
        super().__init__()
        self.lanes = Lanes(LIMIT, 1000)
        self.waiting: list[Delivery] = []
        self.busy: dict[str, Delivery] = {}
        self.promised = 0
        self.number = 0
        self.loop = asyncio.new_event_loop()

    def teardown(self) -> None:
        self.loop.close()

    def at_once(self, awaited: Coroutine[Any, Any, T]) -> T | None:
        """What something returns without having to wait, or None."""

        async def ask() -> T | None:
            task = asyncio.create_task(awaited)
            await asyncio.sleep(0)
            if task.done():
                return task.result()
            task.cancel()
            await asyncio.wait([task])
            return None

        return self.loop.run_until_complete(ask())

    def ready(self) -> list[Delivery]:
        """What may be taken now: the first of each dispatch that no handler has."""
        first: dict[str, Delivery] = {}
        for one in self.waiting:
            first.setdefault(one.dispatch, one)
        return [one for dispatch, one in first.items() if dispatch not in self.busy]

    @rule(most=st.integers(1, 20))
    def reserve(self, most: int) -> None:
        room = LIMIT - len(self.waiting) - len(self.busy) - self.promised
        promised = self.at_once(self.lanes.reserve(most))
        assert promised == (min(most, room, LIMIT // 2) if room >= LIMIT // 4 else None)
        self.promised += promised or 0

    @precondition(lambda self: self.promised)
    @rule(dispatch=st.sampled_from("abc"))
    def put(self, dispatch: str) -> None:
        self.lanes.give_back(1)
        self.promised -= 1
        self.number += 1
        one = delivery(dispatch, self.number, b"x" * self.number)
        self.lanes.put(one)
        self.waiting.append(one)

    @precondition(lambda self: self.ready())
    @rule(target=running)
    def take(self) -> Delivery:
        one = self.at_once(self.lanes.take())
        assert one is not None
        assert one in self.ready()
        self.waiting.remove(one)
        self.busy[one.dispatch] = one
        return one

    @precondition(lambda self: not self.ready())
    @rule()
    def take_in_vain(self) -> None:
        assert self.at_once(self.lanes.take()) is None

    @rule(one=consumes(running))
    def leave(self, one: Delivery) -> None:
        self.lanes.leave(one)
        del self.busy[one.dispatch]

    @rule()
    def clear(self) -> None:
        assert sorted(one.fence for one in self.lanes.clear()) == [one.fence for one in self.waiting]
        self.waiting.clear()

    @invariant()
    def never_holds_more_than_it_should(self) -> None:
        held = len(self.waiting) + len(self.busy)
        assert held + self.promised <= LIMIT
        size = sum(len(one.document) for one in [*self.waiting, *self.busy.values()])
        assert self.lanes.room == (0 if size >= 1000 else LIMIT - held - self.promised)


TestLanes = Model.TestCase


async def test_room_is_waited_for() -> None:
    """Who wants a place waits until a quarter is free, and is then given no more than half."""
    lanes = Lanes(8, 1000)
    assert await lanes.reserve(100) == 4
    assert await lanes.reserve(100) == 4
    third = asyncio.create_task(lanes.reserve(100))
    await asyncio.sleep(0)
    lanes.give_back(1)
    await asyncio.sleep(0)
    assert not third.done()
    lanes.give_back(1)
    assert await third == 2


async def test_documents_take_up_room_too() -> None:
    """While the documents held have the bytes that are allowed, nothing more is promised."""
    lanes = Lanes(8, 1000)
    big = delivery("big", document=b"x" * 1000)
    lanes.put(big)
    waiting = asyncio.create_task(lanes.reserve(1))
    await asyncio.sleep(0)
    assert not waiting.done()
    assert await lanes.take() is big
    lanes.leave(big)
    assert await waiting == 1


async def test_the_last_to_leave_is_noticed() -> None:
    """Waiting for an empty buffer ends when the last handler is done."""
    lanes = Lanes(8, 1000)
    lanes.put(delivery("a"))
    emptying = asyncio.create_task(lanes.until_empty())
    one = await lanes.take()
    await asyncio.sleep(0)
    assert not emptying.done()
    lanes.leave(one)
    await emptying
