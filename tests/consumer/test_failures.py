"""A handler that fails gets its ending again, until its tries are used up."""

import asyncio
import logging
import re
import sys

import pytest
from eightbells.consumer import Delivery, Retry
from eightbells.events.schema import Event

from tests.consumer.consuming import Seen, Town, event, running


class Unprintable(Exception):
    """An error that cannot even say what it is."""

    def __str__(self) -> str:
        raise RuntimeError("not even this")


async def fail(_: Delivery) -> None:
    raise ValueError("no such table")


def fail_times(count: int) -> Seen:
    """A handler that fails so often for each ending, and then takes it."""

    async def act(delivery: Delivery) -> None:
        if delivery.tries <= count:
            raise ValueError("not yet")

    return Seen(act)


async def test_a_failed_ending_comes_again(town: Town) -> None:
    """An exception gives the ending back; the next try has the next number, and its success commits it."""
    seen = fail_times(2)
    consumer = town.consumer(seen)
    async with running(consumer) as works:
        town.publish("d")
        await works.until(town.is_settled)
    assert [one.tries for one in seen.deliveries] == [1, 2, 3]
    assert (consumer.workers.handled, consumer.workers.failed) == (3, 2)
    assert town.state("d") == "c"
    assert town.letters() == []


async def test_a_failed_ending_waits(town: Town) -> None:
    """Between two tries the ending is nobody's, and not due before its back-off is over."""
    seen = fail_times(1)
    async with running(town.consumer(seen, backoff=3600, backoff_limit=3600)) as works:
        town.publish("d")
        await works.until(lambda: town.state("d") == "w")
        assert town.bus.todo()["d"] == int(town.lease("d")[3]) > town.bus.now()
        town.bus.lapse("d")
        await works.until(town.is_settled)
    assert [one.tries for one in seen.deliveries] == [1, 2]


@pytest.mark.parametrize("delay", [0, 3600])
async def test_retry_asks_for_its_own_delay(town: Town, delay: float) -> None:
    """`Retry(delay)` is due again after that delay and no other."""

    async def act(delivery: Delivery) -> None:
        raise Retry(delay)

    async with running(town.consumer(Seen(act), backoff=600, backoff_limit=600, due_interval=3600)) as works:
        town.publish("d")
        await works.until(lambda: town.state("d") == "w")
    due_in = town.bus.todo()["d"] - town.bus.now()
    assert delay * 1000 - 20_000 < due_in <= delay * 1000


async def test_retry_without_a_delay_backs_off(town: Town) -> None:
    """`Retry()` is a failure like another: it counts, and the usual back-off applies."""

    async def act(delivery: Delivery) -> None:
        raise Retry

    async with running(town.consumer(Seen(act), max_tries=2)) as works:
        town.publish("d")
        await works.until(town.is_settled)
    (letter,) = town.letters()
    assert letter["error"].startswith("eightbells.consumer.errors.Retry: the handler asked for another try")


@pytest.mark.parametrize("delay", [-1, float("nan"), float("inf"), 10**9])
def test_a_delay_that_cannot_be_kept_is_refused(delay: float) -> None:
    """A delay is seconds from 0 to a week, and the message says so."""
    with pytest.raises(ValueError, match=re.escape(f"Retry({delay!r}): a delay is 0 to 604800 seconds")):
        Retry(delay)


async def test_the_last_failure_makes_a_dead_letter(town: Town) -> None:
    """After `max_tries` the ending goes to the dead letters with error, traceback, tries, times and its document."""
    seen = Seen(fail)
    consumer = town.consumer(seen, max_tries=3)
    before = town.bus.now()
    async with running(consumer) as works:
        town.publish("d")
        await works.until(town.is_settled)
    (letter,) = town.letters()
    assert len(seen.deliveries) == 3
    assert letter["k"] == "d"
    assert letter["i"] == event("d").id
    assert letter["error"] == "ValueError: no such table"
    assert "in fail" in letter["traceback"]
    assert letter["tries"] == "3"
    assert before <= int(letter["first"]) <= int(letter["last"]) <= town.bus.now()
    assert letter["d"].encode() == seen.deliveries[0].document
    assert consumer.settlement.committed == 0
    assert town.state("d") == "d"


async def test_a_dead_letter_keeps_the_ends_of_a_long_error(town: Town) -> None:
    """Of an error of any length the dead letter has the beginning of the message and the end of the traceback."""

    async def act(delivery: Delivery) -> None:
        raise ValueError("start " + 100_000 * "x" + " end")

    async with running(town.consumer(Seen(act), max_tries=1)) as works:
        town.publish("d")
        await works.until(town.is_settled)
    (letter,) = town.letters()
    assert letter["error"].startswith("ValueError: start xxx")
    assert letter["traceback"].rstrip().endswith("xxx end")
    assert len(letter["error"]) + len(letter["traceback"]) < 6000


@pytest.mark.parametrize(
    "error",
    [
        Unprintable(),
        ValueError("a file named \udcff"),
        SystemExit(3),
        asyncio.CancelledError(),
        BaseExceptionGroup("several", [ValueError("one")]),
        StopAsyncIteration(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_whatever_a_handler_raises_is_its_answer(
    town: Town, caplog: pytest.LogCaptureFixture, error: BaseException
) -> None:
    """No exception of a handler ends the consumer: the ending is tried again, and others are handled meanwhile."""
    # A log with a lone surrogate in it cannot be sent from one process of pytest to another.
    caplog.set_level(logging.CRITICAL, "eightbells")

    async def act(delivery: Delivery) -> None:
        if delivery.dispatch == "bad":
            raise error

    async with running(town.consumer(Seen(act), max_tries=2)) as works:
        town.publish("bad", "good")
        await works.until(town.is_settled)
    (letter,) = town.letters()
    assert (letter["k"], letter["tries"]) == ("bad", "2")
    assert type(error).__name__ in letter["error"]
    assert town.state("good") == "c"


async def test_exit_in_a_thread_is_a_failure(town: Town) -> None:
    """A sync handler that calls `sys.exit` fails like any other, and takes nobody with it."""

    def handle(delivery: Delivery) -> None:
        if delivery.dispatch == "bad":
            sys.exit(1)

    async with running(town.consumer(handle, max_tries=1)) as works:
        town.publish("bad", "good")
        await works.until(town.is_settled)
    assert [letter["k"] for letter in town.letters()] == ["bad"]
    assert town.state("good") == "c"


async def test_a_handler_that_cancels_itself_has_failed(town: Town) -> None:
    """A handler that cancels the task it runs in does not stop the consumer with it."""

    async def act(delivery: Delivery) -> None:
        task = asyncio.current_task()
        if task and delivery.dispatch == "bad":
            task.cancel()
            await asyncio.Event().wait()

    async with running(town.consumer(Seen(act), max_tries=2, concurrency=1)) as works:
        town.publish("bad", "good")
        await works.until(town.is_settled)
    assert [letter["k"] for letter in town.letters()] == ["bad"]
    assert town.state("good") == "c"


FOREIGN = {
    "nothing like JSON": b"\xff\xfe",
    "not an event": b'{"specversion": "1.0"}',
    "nested without end": b'{"data":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    "of another dispatch": b'{"specversion":"1.0","id":"x","source":"s","type":"t","subject":"other","time":"now",'
    b'"data":{"dispatch_id":"other","state":"completed","reporter":"wrapper"}}',
}


@pytest.mark.parametrize("document", FOREIGN.values(), ids=FOREIGN)
@pytest.mark.parametrize("way", ["log", "queue"])
async def test_a_document_that_cannot_be_read_is_a_dead_letter(town: Town, document: bytes, way: str) -> None:
    """It goes to the dead letters at its first try, says why, and holds up nothing that comes after it."""
    if way == "queue":
        town.bus.set(patience=1)
    town.publish_document("bad", document)
    town.publish("good")
    if way == "queue":
        town.hide_log()
    seen = Seen()
    async with running(town.consumer(seen)) as works:
        await works.until(town.is_settled)
    (letter,) = town.letters()
    assert (letter["k"], letter["tries"]) == ("bad", "1")
    assert letter["error"].startswith("the event is malformed at ")
    assert seen.dispatches == ["good"]


async def test_progress_that_cannot_be_read_is_said_and_passed_over(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    """It is nothing that anybody is owed: one line in the log, and the ending comes."""
    town.publish_document("d", b"?", state="running")
    town.publish("d")
    seen = Seen()
    with caplog.at_level(logging.ERROR):
        async with running(town.consumer(seen, progress=True)) as works:
            await works.until(town.is_settled)
    assert seen.states == ["completed"]
    assert [record.action for record in caplog.records if hasattr(record, "action")] == ["undecodable"]


async def test_fields_and_codes_of_a_newer_writer_are_read(town: Town) -> None:
    """What this version does not know is no reason to refuse: the code stays text, the rest is ignored."""
    document = (
        b'{"specversion":"1.0","id":"d/r1/failed","source":"s","type":"t","subject":"d","time":"now","tomorrow":[1],'
        b'"data":{"dispatch_id":"d","state":"failed","reporter":"wrapper","code":"melted","fault":"infra","x":{}}}'
    )
    town.publish_document("d", document, state="failed")
    seen = Seen()
    async with running(town.consumer(seen)) as works:
        await works.until(town.is_settled)
    found: Event = seen.deliveries[0].event
    assert (found.data.code, found.data.known_code, found.data.fault) == ("melted", None, "infra")


async def test_names_that_are_none_block_nothing(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    """What somebody else left in log and queue under impossible names is said once, and passed over."""
    for number in range(20):
        town.bus.client.zadd(town.bus.key("todo", "g"), {f"no dispatch {number}": number})
        town.bus.client.xadd(town.bus.key("ev"), {"k": f"no dispatch {number}", "s": "completed"})
    town.bus.client.xadd(town.bus.key("ev"), {"of": "another kind"})
    seen = Seen()
    with caplog.at_level(logging.ERROR):
        async with running(town.consumer(seen, concurrency=1, prefetch=1)) as works:
            town.publish("d")
            await works.until(lambda: town.state("d") == "c")
    said = [record.message for record in caplog.records]
    assert len(said) == 20
    assert seen.dispatches == ["d"]


async def test_a_record_that_is_none_blocks_nothing(town: Town) -> None:
    """An ending whose record somebody has overwritten keeps nobody from the ones that are due after it."""
    town.publish("broken", "good")
    town.bus.client.set(town.bus.key("d", "broken"), "not a hash", px=60_000)
    town.hide_log()
    town.bus.client.zadd(town.bus.key("todo", "g"), {"broken": 1, "good": 2})
    seen = Seen()
    async with running(town.consumer(seen, concurrency=1, prefetch=1)) as works:
        await works.until(lambda: town.state("good") == "c")
    assert seen.dispatches == ["good"]
