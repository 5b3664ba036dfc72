"""taskiq-redis, the stream broker: the one of its brokers that acknowledges. A task that does nothing."""

import asyncio
from typing import Any

import msgspec
from taskiq.receiver import Receiver  # type: ignore[import-not-found]  # only in the bench environment
from taskiq.serializers import ORJSONSerializer  # type: ignore[import-not-found]  # as above
from taskiq_redis import RedisStreamBroker  # type: ignore[import-not-found]  # as above

from bench.events import dispatches, make_event
from bench.tally import Tally


def make_broker(url: str) -> RedisStreamBroker:
    broker = RedisStreamBroker(url, queue_name="bench-taskiq", consumer_id="0", xread_count=500)
    return broker.with_serializer(ORJSONSerializer())


async def nothing(event: dict[str, Any]) -> None:
    pass


async def fill(url: str, count: int) -> None:
    """Send tasks that carry the same events."""
    broker = make_broker(url)
    task = broker.register_task(nothing, task_name="count")
    await broker.startup()
    for dispatch in dispatches(count):
        await task.kiq(msgspec.to_builtins(make_event(dispatch, "completed", "exited_zero", "done\n")))
    await broker.shutdown()


async def drain(url: str, count: int) -> float:
    """Return the seconds from the first task to the last."""
    tally = Tally(count)
    broker = make_broker(url)

    async def handle(event: dict[str, Any]) -> None:
        assert event["type"]
        tally.add()

    broker.register_task(handle, task_name="count")
    broker.is_worker_process = True
    receiver = Receiver(broker, max_async_tasks=100, max_prefetch=100)
    finish = asyncio.Event()
    listening = asyncio.create_task(receiver.listen(finish))
    await tally.full.wait()
    seconds = tally.seconds()
    finish.set()
    await listening
    await broker.shutdown()
    return seconds
