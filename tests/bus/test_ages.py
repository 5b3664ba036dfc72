"""Ages: what is kept, for how long, and that everything goes in the end."""

import pytest

from tests.bus.bus import LONG_MS, Bus
from tests.waiting import wait_until

DAY_MS = 24 * LONG_MS
WEEK_MS = 7 * DAY_MS
KEEP_MS = WEEK_MS + DAY_MS
"""A record lives a seventh longer than the verdict must."""
SLACK_MS = 60_000
SHORT_MS = 300


def about(left: int, age: int) -> bool:
    return age - SLACK_MS < left <= age


def test_an_owed_ending_keeps_its_payload(owed: Bus) -> None:
    """While it is owed the payload lives as long as the record: eight days by default."""
    owed.tell()
    assert about(owed.ttl("p", "d"), KEEP_MS)
    assert about(owed.ttl("d", "d"), KEEP_MS)


def test_the_payload_goes_an_hour_after_the_last_commit(owed: Bus) -> None:
    """The last group's commit, and only that, gives the payload its hour; the record stays for its week."""
    owed.add("h")
    owed.tell()
    owed.handle(group="g")
    assert about(owed.ttl("p", "d"), KEEP_MS)
    owed.handle(group="h")
    assert about(owed.ttl("p", "d"), LONG_MS)
    assert about(owed.ttl("d", "d"), KEEP_MS)


@pytest.mark.parametrize("act", ["bury", "drop"])
def test_every_settlement_is_the_last(owed: Bus, act: str) -> None:
    """A burial and a drop settle as a commit does."""
    owed.tell()
    if act == "drop":
        owed.remove()
        owed.drop("d")
    else:
        owed.bury("d", owed.begin().fence)
    assert about(owed.ttl("p", "d"), LONG_MS)


def test_what_nobody_is_owed_goes_an_hour_after_it_ended(bus: Bus) -> None:
    """Without groups the payload's hour begins with the ending."""
    bus.tell()
    assert about(bus.ttl("p", "d"), LONG_MS)
    assert about(bus.ttl("d", "d"), KEEP_MS)


def test_a_registered_dispatch_lives_past_its_deadline(bus: Bus) -> None:
    """A record that nobody touches lives for its deadline and the retention."""
    bus.register(deadline_ms=5 * DAY_MS)
    for kind in "dp":
        assert about(bus.ttl(kind, "d"), KEEP_MS + 5 * DAY_MS)
    bus.tell(state="running")
    for kind in "dp":
        assert about(bus.ttl(kind, "d"), KEEP_MS + 5 * DAY_MS)
    assert bus.ttl("open", "c") > KEEP_MS


def test_a_second_register_shortens_no_life(bus: Bus) -> None:
    """A dispatch that is registered again with a nearer deadline lives as long as before."""
    bus.register(deadline_ms=5 * DAY_MS)
    bus.register(deadline_ms=0)
    for kind in "dp":
        assert about(bus.ttl(kind, "d"), KEEP_MS + 5 * DAY_MS)


@pytest.mark.parametrize("state", ["running", "attempt_ended"])
def test_a_dispatch_that_never_ends_goes(bus: Bus, state: str) -> None:
    """A record that was left open goes when nobody has touched it for its retention."""
    bus.tell(state=state)
    assert about(bus.ttl("d", "d"), KEEP_MS)
    assert state == "running" or about(bus.ttl("p", "d"), KEEP_MS)
    assert bus.ttl("open:") > 0


def test_a_cancelled_stranger_goes(bus: Bus) -> None:
    """A mark on a dispatch that nobody ever heard of again goes with its retention."""
    bus.cancel()
    assert about(bus.ttl("d", "d"), KEEP_MS)
    assert bus.ttl("open", "c") > 0


def test_a_late_document_goes_with_the_payload(bus: Bus) -> None:
    """A late ending whose payload has gone already is kept for an hour."""
    bus.tell(state="failed", source="reconciler")
    bus.client.delete(bus.key("p", "d"))
    bus.tell()
    assert about(bus.ttl("p", "d"), LONG_MS)


@pytest.mark.parametrize("act", ["begin", "renew", "release"])
def test_what_was_owed_for_long_lives_while_it_is_handled(owed: Bus, act: str) -> None:
    """A record near the end of its life does not go while somebody handles or puts off its ending."""
    owed.tell()
    fence = owed.begin().fence if act != "begin" else 0
    owed.client.hset(owed.key("d", "d"), "at", owed.now() - WEEK_MS)
    for kind in "dp":
        owed.client.pexpire(owed.key(kind, "d"), LONG_MS)
    if act == "begin":
        owed.begin()
    elif act == "renew":
        owed.renew("d", fence)
    else:
        owed.release("d", fence, delay_ms=5 * DAY_MS)
    for kind in "dp":
        assert about(owed.ttl(kind, "d"), KEEP_MS + (5 * DAY_MS if act == "release" else 0))


def test_the_payload_goes(owed: Bus) -> None:
    """When the payload's age is over it is no more, and the verdict is still there."""
    owed.set(payload=SHORT_MS)
    owed.tell()
    owed.handle()
    wait_until(lambda: not owed.client.exists(owed.key("p", "d")), "the payload goes")
    assert owed.record()["v"] == "verdict of d r1 completed w"


def test_an_ended_dispatch_goes(bus: Bus) -> None:
    """When the verdict's age is over nothing of the dispatch is left."""
    bus.set(payload=SHORT_MS, verdict=SHORT_MS)
    bus.register(create_ms=0, deadline_ms=0, context="x")
    bus.tell(state="running")
    bus.tell()
    wait_until(lambda: kinds(bus) == {b"cfg"}, "everything goes")


def kinds(bus: Bus) -> set[bytes]:
    return {key.split(b"}:")[1] for key in bus.client.scan_iter("{eb:*", count=1000)}


def test_an_open_dispatch_goes(bus: Bus) -> None:
    """A dispatch that starts and is never heard of again leaves nothing."""
    bus.set(verdict=SHORT_MS)
    bus.tell(state="running")
    bus.beat(life_ms=SHORT_MS)
    wait_until(lambda: kinds(bus) == {b"cfg"}, "everything goes")


def test_the_log_is_trimmed_by_age(bus: Bus) -> None:
    """Each publish trims what is older than the log's age, and nothing younger."""
    bus.set(log=LONG_MS)
    old = bus.now() - LONG_MS
    for entry in (old - 5000, old + 5000):
        bus.client.xadd(bus.key("ev"), {"k": "d"}, id=f"{entry}-0")
    bus.tell()
    young, newest = bus.log()
    assert young["id"] == f"{old + 5000}-0"
    assert newest["i"] == "d/r1/completed"
    assert about(bus.ttl("ev"), KEEP_MS)


def test_touching_trims_too(owed: Bus) -> None:
    """On a bus that has gone quiet the consumers trim."""
    owed.set(log=LONG_MS)
    owed.client.xadd(owed.key("ev"), {"k": "d"}, id="1-0")
    owed.client.zadd(owed.key("done"), {"d": 1})
    owed.touch()
    assert owed.log() == []
    assert not owed.client.exists(owed.key("done"))


def test_the_ended_are_listed_for_the_retention(bus: Bus) -> None:
    """Each ending takes those that are older than the retention off the list."""
    bus.tell("a")
    bus.client.zadd(bus.key("done"), {"old": bus.now() - WEEK_MS - 5000, "young": bus.now() - WEEK_MS + 5000})
    bus.tell("b")
    assert set(bus.scores(bus.key("done"))) == {"a", "b", "young"}
    assert about(bus.ttl("done"), KEEP_MS)


def test_the_open_are_listed_while_somebody_looks(bus: Bus) -> None:
    """What nobody has looked at for the retention, and longer than its record lives, leaves the list."""
    bus.register("a")
    bus.client.zadd(bus.key("open:c"), {"old": bus.now() - KEEP_MS - 5000, "young": bus.now() - KEEP_MS + 5000})
    bus.register("b")
    assert set(bus.scores(bus.key("open:c"))) == {"a", "b", "young"}


def test_dead_letters_are_bounded(owed: Bus) -> None:
    """Dead letters go by age, and the oldest when there are too many."""
    owed.client.xadd(owed.key("dlq", "g"), {"k": "old"}, id="1-0")
    for i in range(300):
        owed.tell(str(i))
        owed.bury(str(i), owed.begin(str(i)).fence, keep=100, age_ms=LONG_MS)
    ids = [fields[b"k"] for _, fields in owed.client.xrange(owed.key("dlq", "g"))]
    assert b"old" not in ids
    assert ids[-1] == b"299"
    assert 100 <= len(ids) < 300
    assert about(owed.ttl("dlq", "g"), LONG_MS)


def test_ages_hold_for_everybody_at_once(bus: Bus) -> None:
    """Ages are the bus's own: the next call of any program keeps to them."""
    bus.set(payload=5 * LONG_MS, verdict=70 * DAY_MS)
    bus.tell()
    assert about(bus.ttl("p", "d"), 5 * LONG_MS)
    assert about(bus.ttl("d", "d"), 80 * DAY_MS)
