"""A consumer on a real server, what it was given to do, and what came of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from eightbells.consumer import Consumer, Delivery
from eightbells.consumer.handler import Handler
from eightbells.events.contract import keys
from eightbells.events.document import encode, encode_verdict
from eightbells.events.schema import TYPE, Data, Event, State

from tests.bus.bus import Bus, report
from tests.waiting import LIMIT, wait_until_async

SOURCE = "/eightbells/wrapper/test/pod"

# Nothing waits longer than it must for a test; a lease is long, so that only those who mean it see one lapse.
QUICK: dict[str, Any] = {"due_interval": 0.02, "touch_interval": 0.1, "backoff": 0.01, "backoff_limit": 0.05}


def event(dispatch: str, state: State = "completed", **data: Any) -> Event:
    """An event as the wrapper writes one."""
    has_ended: dict[str, Any] = {"code": "exited_zero", "exit_code": 0} if state == "completed" else {}
    return Event(
        specversion="1.0",
        id=f"{dispatch}/r1/{state}",
        source=SOURCE,
        type=TYPE.format(state=state),
        subject=dispatch,
        time="2026-01-01T00:00:00Z",
        data=Data(dispatch_id=dispatch, state=state, reporter="wrapper", run="r1", **(has_ended | data)),
    )


class Town:
    """The bus that the consumers of a test share, seen by whoever publishes and by whoever looks after it."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.url = bus.server.url

    def publish(self, *dispatches: str, state: State = "completed", **data: Any) -> None:
        """Publish an event of each dispatch."""
        events = [event(dispatch, state, **data) for dispatch in dispatches]
        for start in range(0, len(events), 100):
            batch = events[start : start + 100]
            replies = self.bus.publish(*[self._report(one) for one in batch])
            assert [reply.status for reply in replies] == ["ok"] * len(batch)

    def publish_document(self, dispatch: str, document: bytes, state: State = "completed") -> None:
        """Publish bytes as they are."""
        verdict = encode_verdict(event(dispatch, state))
        (reply,) = self.bus.publish(report(dispatch, state, source=SOURCE, document=document, verdict=verdict))
        assert reply.status == "ok"

    def _report(self, one: Event) -> Any:
        return report(one.subject, one.data.state, source=SOURCE, document=encode(one), verdict=encode_verdict(one))

    def come_back(self) -> None:
        """Start the server after it was killed, from the main thread, because it dies with the thread that did; its
        users are no more.
        """
        self.bus.server.start()
        self.bus = Bus(self.bus.server, self.bus.namespace)

    def hide_log(self) -> None:
        """Leave the queue as the only way to a consumer, and due at once."""
        self.bus.set(patience=1)
        self.bus.client.delete(keys.log(self.bus.namespace))

    def letters(self, group: str = "g") -> list[dict[str, str]]:
        """The dead letters of a group, oldest first."""
        entries: Any = self.bus.client.xrange(keys.dead_letters(self.bus.namespace, group))
        return [{name.decode(): str(value, "utf-8", "replace") for name, value in one.items()} for _, one in entries]

    def lease(self, dispatch: str, group: str = "g") -> list[str]:
        """The group's words on a dispatch: state, tries, fence, until, first, lease, owner."""
        return self.bus.record(dispatch).get(f"g:{group}", "").split(" ")

    def state(self, dispatch: str, group: str = "g") -> str:
        """Held (h), waiting (w), committed (c) or dead (d); '' if it was never begun."""
        return self.lease(dispatch, group)[0]

    def is_settled(self, group: str = "g") -> bool:
        """Whether the group is owed nothing."""
        return not self.bus.todo(group)

    def consumer(self, handler: Handler, group: str = "g", **more: Any) -> Consumer:
        """A consumer of this bus that waits for nothing longer than it must."""
        return Consumer(self.url, group, handler, **{"namespace": self.bus.namespace, **QUICK, **more})


class Seen:
    """A handler that notes what it was given; it does nothing else, unless it is told to."""

    def __init__(self, act: Callable[[Delivery], Awaitable[None]] | None = None) -> None:
        self._act = act
        self.deliveries: list[Delivery] = []

    async def __call__(self, delivery: Delivery) -> None:
        self.deliveries.append(delivery)
        if self._act:
            await self._act(delivery)

    @property
    def dispatches(self) -> list[str]:
        return [one.dispatch for one in self.deliveries]

    @property
    def states(self) -> list[str]:
        return [one.event.data.state for one in self.deliveries]


class Held:
    """A handler that goes on until it is let go, and counts how many of it run at once."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.cancelled: list[str] = []
        self._gate = asyncio.Event()

    async def __call__(self, delivery: Delivery) -> None:
        self.begun.append(delivery.dispatch)
        try:
            await self._gate.wait()
        except asyncio.CancelledError:
            self.cancelled.append(delivery.dispatch)
            raise

    def let_go(self) -> None:
        self._gate.set()


class Running:
    """Consumers at work; `until` fails at once when one of them does."""

    def __init__(self, *consumers: Consumer) -> None:
        self._consumers = consumers
        self._tasks = [asyncio.create_task(consumer.run()) for consumer in consumers]

    async def until(self, look: Callable[[], object], what: str = "", *, within: float = LIMIT) -> object:
        """Wait for a condition, at most so many seconds."""
        return await wait_until_async(lambda: self._is_well() and look(), what, within=within)

    async def stop(self) -> None:
        """Stop them, and wait until they have."""
        for consumer in self._consumers:
            consumer.stop()
        await asyncio.gather(*self._tasks)

    async def kill(self) -> None:
        """Let go of those that a test has made fail."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _is_well(self) -> bool:
        for task in self._tasks:
            if task.done():
                task.result()
        return True


@asynccontextmanager
async def running(*consumers: Consumer) -> AsyncIterator[Running]:
    """Let consumers work, and stop them after."""
    works = Running(*consumers)
    try:
        yield works
        await works.stop()
    finally:
        await works.kill()
