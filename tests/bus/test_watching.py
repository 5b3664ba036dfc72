"""heartbeat, look: who lives, and what somebody should look at."""

import pytest
from eightbells.events.reporting import Beaten, Look

from tests.bus.bus import LONG_MS, Bus, report


def test_a_heartbeat_is_kept_for_its_life(bus: Bus) -> None:
    """What the wrapper says of itself can be read until its life is over."""
    bus.tell(state="running")
    assert bus.beat(life_ms=5000) == Beaten("ok", 1)
    assert bus.client.get(bus.key("hb", "d")) == b"alive"
    assert 0 < bus.ttl("hb", "d") <= 5000


def test_a_heartbeat_needs_no_record(bus: Bus) -> None:
    """A wrapper whose start was lost with the server lives all the same, and makes no record."""
    assert bus.beat() == Beaten("ok", 0)
    assert bus.record() == {}


def test_a_heartbeat_keeps_the_record(bus: Bus) -> None:
    """A record does not age away while its command lives."""
    bus.register()
    for kind in "dp":
        bus.client.pexpire(bus.key(kind, "d"), LONG_MS)
    bus.beat()
    assert bus.ttl("d", "d") > LONG_MS
    assert bus.ttl("p", "d") > LONG_MS


def test_a_heartbeat_shortens_no_life(bus: Bus) -> None:
    """A record with a far deadline keeps its life."""
    bus.register(deadline_ms=100 * LONG_MS)
    left = bus.ttl("d", "d")
    bus.set(verdict=1000)
    bus.beat()
    assert bus.ttl("d", "d") > left - LONG_MS


def test_a_heartbeat_learns_of_the_end(bus: Bus) -> None:
    """A command whose dispatch somebody else has ended is told the verdict, and counts as alive no more."""
    bus.tell(state="failed", source="reconciler", run="")
    assert bus.beat() == Beaten("terminal", verdict=b"verdict of d  failed reconciler")
    assert not bus.client.exists(bus.key("hb", "d"))


def test_a_heartbeat_learns_of_the_cancelling(bus: Bus) -> None:
    """A command that is being cancelled is told so."""
    bus.tell(state="running")
    bus.cancel()
    assert bus.beat() == Beaten("cancelling", 2)


def test_an_unregistered_dispatch_is_open(bus: Bus) -> None:
    """A dispatch that was never registered is to be looked at a while after its first event."""
    bus.set(look=5000)
    before = bus.now()
    bus.tell(state="running")
    due = bus.scores(bus.key("open:"))["d"]
    assert before + 5000 <= due <= bus.now() + 5000
    bus.tell(state="attempt_ended")
    assert bus.scores(bus.key("open:")) == {"d": due}


def test_an_event_puts_off_no_look(bus: Bus) -> None:
    """A dispatch that is to be looked at sooner, as its record was lost and not its place, stays so."""
    due = bus.now()
    bus.client.zadd(bus.key("open:"), {"d": due, "forgotten": 5})
    bus.publish(report(state="running"), report("forgotten", "running"))
    assert bus.scores(bus.key("open:"))["d"] == due
    assert bus.scores(bus.key("open:"))["forgotten"] > due


def test_what_is_due_is_looked_at_once(bus: Bus) -> None:
    """Of two who look at the same dispatch the second is told that somebody has, and when it is due again."""
    bus.register(namespace="n", job="j", job_uid="u", create_ms=0)
    bus.tell(state="running")
    first, second = bus.look(next_ms=5000), bus.look(next_ms=5000)
    registered = bus.record()
    assert first == Look(
        status="due",
        seq=2,
        cluster="c",
        namespace="n",
        job="j",
        job_uid="u",
        create_before=int(registered["create"]),
        deadline=int(registered["deadline"]),
        runs=1,
        now=first.now,
    )
    assert second.status == "early"
    assert 0 < second.wait_ms <= 5000
    assert bus.scores(bus.key("open:c")) == {"d": first.now + 5000}


def test_a_look_sees_the_cancelling(bus: Bus) -> None:
    """Who looks at a dispatch is told since when it is being cancelled."""
    bus.set(patience=1)
    before = bus.now()
    bus.cancel()
    bus.client.zadd(bus.key("open:c"), {"d": 0})
    assert before <= bus.look().cancelled_at <= bus.now()


@pytest.mark.parametrize("place", ["c", "another"])
def test_what_has_ended_is_no_longer_open(bus: Bus, place: str) -> None:
    """A dispatch that was ended by a reporter who knew nothing of its cluster leaves the open when it is looked at."""
    bus.register(cluster=place)
    bus.tell()
    assert bus.look(cluster=place) == Look("ended", 2, verdict=b"verdict of d r1 completed w")
    assert bus.scores(bus.key(f"open:{place}")) == {}


def test_what_is_gone_is_no_longer_open(bus: Bus) -> None:
    """A dispatch whose record has aged away leaves the open when it is looked at."""
    bus.register(create_ms=0)
    bus.client.delete(bus.key("d", "d"), bus.key("p", "d"))
    assert bus.look() == Look("gone")
    assert bus.scores(bus.key("open:c")) == {}
