"""FastStream, Redis streams with a group: one message at a time, acknowledged after the handler (its default).

As its documentation says for speed: msgspec instead of pydantic (getting-started/subscription/msgspec), and no
logger, as in its own benchmarks. `max_records` reads many with one command.
"""

from eightbells.events.schema import Event
from fast_depends.msgspec import MsgSpecSerializer  # type: ignore[import-not-found]  # only in the bench environment
from faststream.redis import RedisBroker, StreamSub  # type: ignore[import-not-found]  # as above

from bench.events import dispatches, make_event
from bench.tally import Tally

STREAM = "bench-faststream"


def make_broker(url: str) -> RedisBroker:
    return RedisBroker(url, logger=None, serializer=MsgSpecSerializer(use_fastdepends_errors=False))


async def fill(url: str, count: int) -> None:
    """Publish the same events, in its own format."""
    async with make_broker(url) as broker:
        pipe = broker._connection.pipeline()  # noqa: SLF001  # its documentation's way
        for dispatch in dispatches(count):
            await broker.publish(
                make_event(dispatch, "completed", "exited_zero", "done\n"), stream=STREAM, pipeline=pipe
            )
        await pipe.execute()


async def drain(url: str, count: int) -> float:
    """Return the seconds from the first event to the last."""
    tally = Tally(count)
    broker = make_broker(url)

    async def handle(event: Event) -> None:
        assert event.is_ending
        tally.add()

    stream = StreamSub(STREAM, group="bench", consumer="1", last_id="0", max_records=500)
    broker.subscriber(stream=stream)(handle)
    async with broker:
        await broker.start()
        await tally.full.wait()
        return tally.seconds()
