"""Whatever becomes of the log, the queue or the server: what is owed arrives, and an outage is said once."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
import redis.exceptions
from eightbells.consumer import Consumer, Delivery
from eightbells.events.contract import scripts
from eightbells.events.contract.digests import SHA1

from tests.consumer.consuming import QUICK, Held, Seen, Town, running
from tests.consumer.proxy import between


def lose_log(town: Town) -> None:
    town.bus.client.delete(town.bus.key("ev"))


def lose_group(town: Town) -> None:
    town.bus.client.xgroup_destroy(town.bus.key("ev"), "g")


def trim_log(town: Town) -> None:
    town.bus.client.xtrim(town.bus.key("ev"), maxlen=0, approximate=False)


def skip_log(town: Town) -> None:
    town.bus.client.xgroup_create(town.bus.key("ev"), "g", id="$")


LOSSES = [lose_log, lose_group, trim_log, skip_log]


@pytest.mark.parametrize("lose", [lose_log, trim_log, skip_log])
async def test_what_the_log_has_lost_comes_from_the_queue(town: Town, lose: Callable[[Town], None]) -> None:
    """An ending that no reader of the log can find any more is handled, when it is due in the queue."""
    town.bus.set(patience=1)
    town.publish("d")
    lose(town)
    seen = Seen()
    async with running(town.consumer(seen)) as works:
        await works.until(town.is_settled)
    assert seen.dispatches == ["d"]


@pytest.mark.parametrize("lose", [lose_log, lose_group, trim_log])
async def test_a_log_that_is_lost_under_a_reader_is_read_on(town: Town, lose: Callable[[Town], None]) -> None:
    """After its place in the log is gone a consumer makes another, and is as quick as before."""
    town.bus.set(patience=3_600_000)
    seen = Seen()
    async with running(town.consumer(seen)) as works:
        for number in range(3):
            town.publish(f"d{number}")
            await works.until(town.is_settled)
            lose(town)
    assert seen.dispatches == ["d0", "d1", "d2"]


async def test_an_emptied_database_heals(town: Town) -> None:
    """When everything is gone the group registers itself again, and what is published then is handled."""
    seen = Seen()
    consumer = town.consumer(seen)
    async with running(consumer) as works:
        town.publish("before")
        await works.until(town.is_settled)
        town.bus.client.flushall()
        await works.until(lambda: town.bus.client.hexists(town.bus.key("cfg"), "g:g"))
        town.publish("after")
        await works.until(lambda: consumer.settlement.committed == 2)
    assert seen.dispatches == ["before", "after"]


async def test_a_dormant_group_says_so_when_it_returns(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    """Who comes back after the retention is told how many endings were dropped meanwhile."""
    town.publish("a", "b", "c")
    town.bus.set(verdict=1)
    town.bus.tell("late")
    assert not town.bus.client.hexists(town.bus.key("cfg"), "g:g"), "the group has not gone dormant"
    town.bus.set(verdict=604_800_000)
    seen = Seen()
    with caplog.at_level(logging.WARNING):
        async with running(town.consumer(seen)) as works:
            await works.until(lambda: town.bus.client.hexists(town.bus.key("cfg"), "g:g"))
            town.publish("d")
            await works.until(lambda: town.state("d") == "c")
    (said,) = [record for record in caplog.records if getattr(record, "action", "") == "group_returned"]
    assert (said.group, said.dropped) == ("g", 3)  # type: ignore[attr-defined]
    assert seen.dispatches == ["d"]


async def test_an_outage_is_said_once_and_heals(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    """When the server dies and comes back, one line says so each time, and work goes on."""
    seen = Seen()
    consumer = town.consumer(seen)
    with caplog.at_level(logging.WARNING):
        async with running(consumer) as works:
            town.publish("before")
            await works.until(town.is_settled)
            town.bus.server.kill()
            await works.until(lambda: consumer.link.waiting >= 3, "reading, polling and touching have all failed")
            town.come_back()
            await works.until(lambda: not consumer.link.waiting)
            town.publish("after")
            await works.until(lambda: consumer.settlement.committed == 2)
    assert seen.dispatches == ["before", "after"]
    assert [action for action in actions(caplog) if "outage" in action] == ["outage_began", "outage_ended"]


async def test_what_was_handled_in_an_outage_is_committed_after_it(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    """An outage longer than the lease costs nothing: who held an ending commits it when the server is back."""
    held = Held()
    consumer = town.consumer(held, lease=1.0)
    async with running(consumer) as works:
        town.publish("d")
        await works.until(lambda: held.begun)
        until = int(town.lease("d")[3])
        town.bus.server.kill()
        await works.until(lambda: "outage_began" in actions(caplog))
        held.let_go()
        await works.until(lambda: consumer.settlement.unsettled)
        town.come_back()
        await works.until(lambda: consumer.settlement.committed == 1)
        await works.until(lambda: town.bus.now() > until)
        await works.until(town.is_settled)
    assert held.begun == ["d"]
    assert consumer.settlement.lost == 0


async def test_it_waits_for_a_server_that_starts_later(town: Town) -> None:
    """A consumer may be there before its server, however often it has to try."""
    town.publish("d")
    town.bus.server.kill()
    seen = Seen()
    consumer = town.consumer(seen)
    async with running(consumer) as works:
        await works.until(lambda: consumer.link.failed_calls > 10)
        town.come_back()
        await works.until(town.is_settled)
    assert seen.dispatches == ["d"]


async def test_a_group_that_was_taken_off_the_list_is_put_back(town: Town) -> None:
    """While it is consumed, a group that somebody has removed registers itself again."""
    seen = Seen()
    consumer = town.consumer(seen)
    async with running(consumer) as works:
        town.publish("before")
        await works.until(town.is_settled)
        town.bus.remove()
        await works.until(lambda: town.bus.client.hexists(town.bus.key("cfg"), "g:g"))
        town.publish("after")
        await works.until(lambda: consumer.settlement.committed == 2)
    assert seen.dispatches == ["before", "after"]


async def test_a_begin_whose_reply_was_lost_is_only_late(town: Town) -> None:
    """An ending that was leased to somebody who never learnt of it is handled when that lease has lapsed."""
    town.bus.client.script_load(scripts.text("begin"))
    seen = Seen()
    async with between(town.url) as proxy:
        proxy.lose_reply_to(SHA1["begin"].encode())
        async with running(consumer_through(proxy.url, town, seen, lease=0.5)) as works:
            town.publish("d")
            await works.until(town.is_settled)
        assert proxy.lost == 1
    assert seen.dispatches == ["d"]


async def test_a_commit_whose_reply_was_lost_counts_once(town: Town) -> None:
    """A commit is sent again when its reply was lost, and what was committed by the first is no loss."""
    town.bus.client.script_load(scripts.text("commit"))
    seen = Seen()
    async with between(town.url) as proxy:
        proxy.lose_reply_to(SHA1["commit"].encode())
        consumer = consumer_through(proxy.url, town, seen)
        async with running(consumer) as works:
            town.publish("d")
            await works.until(lambda: consumer.settlement.committed)
        assert proxy.lost == 1
    assert seen.dispatches == ["d"]
    assert (consumer.settlement.committed, consumer.settlement.lost) == (1, 0)


@pytest.mark.parametrize("right", ["-xreadgroup", "-xgroup", "-evalsha", "-time", "-zrange", "-hset"])
async def test_a_missing_right_ends_it(town: Town, caplog: pytest.LogCaptureFixture, right: str) -> None:
    """What waiting cannot cure ends `run` with the server's own words, instead of hanging."""
    town.bus.client.acl_setuser("poor", enabled=True, nopass=True, commands=["+@all", right], keys=["*"])
    town.publish("d")
    url = town.url.replace("redis://", "redis://poor:any@")
    with pytest.raises(redis.exceptions.ResponseError, match=right[1:]):
        await consumer_through(url, town, Seen()).run()
    assert "outage_began" not in actions(caplog)


async def test_a_wrong_password_ends_it(town: Town) -> None:
    """A password that the server refuses is an error, not an outage."""
    town.bus.client.acl_setuser("shy", enabled=True, passwords=["+right"], commands=["+@all"], keys=["*"])
    with pytest.raises(redis.exceptions.AuthenticationError):
        await consumer_through(town.url.replace("redis://", "redis://shy:wrong@"), town, Seen()).run()


async def test_a_commit_that_is_refused_ends_it(town: Town) -> None:
    """A right that goes missing while it works ends `run` too, and the ending is still owed."""

    async def act(delivery: Delivery) -> None:
        town.bus.client.acl_setuser("poor", commands=["-evalsha"])

    town.bus.client.acl_setuser("poor", enabled=True, nopass=True, commands=["+@all"], keys=["*"])
    town.publish("d")
    with pytest.raises(redis.exceptions.NoPermissionError):
        await consumer_through(town.url.replace("redis://", "redis://poor:any@"), town, Seen(act)).run()
    assert not town.is_settled()


def consumer_through(url: str, town: Town, seen: Any, **options: Any) -> Consumer:
    """A consumer that reaches the server by another way."""
    return Consumer(url, "g", seen, **{"namespace": town.bus.namespace, **QUICK, **options})


def actions(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [getattr(record, "action", "") for record in caplog.records]
