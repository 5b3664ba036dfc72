"""Our consumer as it comes: lease, fence, typed decode, an async handler, and a commit for every ending."""

from urllib.parse import urlsplit

from eightbells.consumer.connection import connect_blocking
from eightbells.consumer.consumer import Consumer
from eightbells.consumer.delivery import Delivery
from eightbells.events.contract import keys

from bench.bus import GROUP, NAMESPACE, pack, prepare_group, publish_all, share_out
from bench.events import completed
from bench.tally import Tally


async def fill(url: str, count: int) -> None:
    """Publish endings of 1.2 KiB."""
    groups = prepare_group(url)
    publish_all(urlsplit(url).path, [pack(groups, map(completed, names)) for names in share_out(count)], count)


async def drain(url: str, count: int) -> float:
    """Return the seconds from the first event until the last is committed and the consumer has stopped."""
    tally = Tally(count)

    async def handle(delivery: Delivery) -> None:
        assert delivery.event.is_ending
        tally.add()
        if tally.count == count:
            consumer.stop()

    consumer = Consumer(url, GROUP, handle, namespace=NAMESPACE)
    await consumer.run()
    seconds = tally.seconds()
    owed = connect_blocking(url).zcard(keys.todo(NAMESPACE, GROUP))
    assert owed == 0, f"{owed} endings were handled and not committed"
    return seconds
