"""begin, renew, release, commit, dead: one consumer at a time holds an ending, and the group commits it once."""

import pytest
from eightbells.events.leasing import Begun, Leased

from tests.bus.bus import LEASE_MS, Bus

OK, DUP, LOST = Leased("ok"), Leased("dup"), Leased("lost")


def test_an_ending_is_owed_after_the_patience(owed: Bus) -> None:
    """An accepted ending is due in the queue a while later, for consumers that the log did not reach."""
    owed.set(patience=5000)
    owed.tell(state="running")
    assert owed.todo() == {}
    before = owed.now()
    owed.tell()
    assert before + 5000 <= owed.todo()["d"] <= owed.now() + 5000


def test_begin_gives_the_lease(owed: Bus) -> None:
    """Who begins an ending gets its verdict and a fence, and the queue waits for him as long as the lease is."""
    owed.tell()
    before = owed.now()
    begun = owed.begin()
    assert begun == Begun("ok", fence=begun.fence, tries=1, verdict=b"verdict of d r1 completed w")
    assert before <= begun.fence // 1000 <= owed.now()
    assert before + LEASE_MS <= owed.todo()["d"] <= owed.now() + LEASE_MS


def test_begin_brings_the_document(owed: Bus) -> None:
    """Who has not read the log asks for the document."""
    owed.tell()
    assert owed.begin(with_document=True).document == b"document of d r1 completed w"


def test_one_at_a_time_holds_an_ending(owed: Bus) -> None:
    """While one consumer holds an ending, everybody else is told for how long yet, himself included."""
    owed.tell()
    owed.begin()
    for owner in ("o", "another"):
        reply = owed.begin(owner=owner)
        assert reply.status == "busy"
        assert 0 < reply.wait_ms <= LEASE_MS


def test_commit_settles_it(owed: Bus) -> None:
    """A committed ending leaves the queue and is not given again."""
    owed.tell()
    assert owed.commit("d", owed.begin().fence) == OK
    assert owed.todo() == {}
    assert owed.begin() == Begun("done")
    assert owed.record()["owed"] == "0"


def test_a_resent_commit_is_a_duplicate(owed: Bus) -> None:
    """The same commit again is told that it was done already, and counts nothing."""
    owed.add("h")
    owed.tell()
    fence = owed.begin().fence
    assert [owed.commit("d", fence) for _ in range(3)] == [OK, DUP, DUP]
    assert owed.record()["owed"] == "1"


def test_a_lapsed_lease_is_given_again(owed: Bus) -> None:
    """When a lease has run out the next consumer gets the ending, with a higher fence and the next try."""
    owed.tell()
    first = owed.begin()
    owed.lapse()
    second = owed.begin(owner="another")
    assert second.status == "ok"
    assert second.fence > first.fence
    assert second.tries == 2


@pytest.mark.parametrize("act", ["renew", "release", "commit", "bury"])
def test_only_the_holder_settles(owed: Bus, act: str) -> None:
    """Who has lost his lease to another can neither keep, give back, commit nor bury the ending."""
    owed.tell()
    first = owed.begin()
    owed.lapse()
    second = owed.begin()
    kept = owed.record(), owed.todo()
    assert getattr(owed, act)("d", first.fence) == LOST
    assert getattr(owed, act)("d", second.fence + 1) == LOST
    assert (owed.record(), owed.todo()) == kept
    assert owed.commit("d", second.fence) == OK


@pytest.mark.parametrize("act", ["renew", "release", "commit", "bury"])
def test_what_was_never_begun_is_nobodys(owed: Bus, act: str) -> None:
    """Without a lease nothing is settled: not what is owed, nor what is unknown."""
    owed.tell()
    assert getattr(owed, act)("d", 0) == LOST
    assert getattr(owed, act)("unknown", 0) == LOST
    assert set(owed.todo()) == {"d"}


@pytest.mark.parametrize("act", ["renew", "release", "bury"])
def test_what_is_committed_stays_so(owed: Bus, act: str) -> None:
    """After the commit even its own fence changes nothing."""
    owed.tell()
    fence = owed.begin().fence
    owed.commit("d", fence)
    assert getattr(owed, act)("d", fence) == LOST
    assert owed.todo() == {}


def test_a_late_commit_counts_when_nobody_took_over(owed: Bus) -> None:
    """A lease that has run out is still its holder's until somebody else begins."""
    owed.tell()
    fence = owed.begin().fence
    owed.lapse()
    assert owed.commit("d", fence) == OK


def test_renew_keeps_the_lease(owed: Bus) -> None:
    """A renewed lease runs from now, under the same fence and the same try."""
    owed.tell()
    begun = owed.begin(lease_ms=1000)
    assert owed.renew("d", begun.fence, lease_ms=10 * LEASE_MS) == OK
    assert owed.begin().wait_ms > LEASE_MS
    assert owed.todo()["d"] > owed.now() + LEASE_MS
    owed.lapse()
    assert owed.renew("d", begun.fence) == OK
    owed.lapse()
    assert owed.begin().tries == 2


def test_release_puts_it_off(owed: Bus) -> None:
    """A released ending is given again when its delay is over, and not before."""
    owed.tell()
    assert owed.release("d", owed.begin().fence, delay_ms=10 * LEASE_MS) == OK
    reply = owed.begin()
    assert reply.status == "later"
    assert 0 < reply.wait_ms <= 10 * LEASE_MS
    assert owed.todo()["d"] > owed.now() + LEASE_MS
    owed.lapse()
    assert owed.begin().tries == 2


def test_release_without_delay_gives_it_back(owed: Bus) -> None:
    """An ending that is given back at once can be begun at once."""
    owed.tell()
    first = owed.begin()
    owed.release("d", first.fence)
    assert owed.todo()["d"] <= owed.now()
    second = owed.begin()
    assert (second.status, second.tries) == ("ok", 2)
    assert second.fence > first.fence


def test_a_clean_shutdown_costs_no_try(owed: Bus) -> None:
    """A release that takes its try back leaves the count as it was."""
    owed.tell()
    for _ in range(3):
        begun = owed.begin()
        assert begun.tries == 1
        owed.release("d", begun.fence, refund=True)


def test_dead_letters_hold_what_is_needed_to_look_into_them(owed: Bus) -> None:
    """A buried ending leaves the queue for the dead letters, with document, error, tries and times."""
    owed.tell()
    before = owed.now()
    fence = owed.begin().fence
    assert owed.bury("d", fence) == OK
    assert owed.todo() == {}
    assert owed.begin() == Begun("done")
    ((_, letter),) = owed.client.xrange(owed.key("dlq", "g"))
    read = {name.decode(): value.decode() for name, value in letter.items()}
    assert before <= int(read.pop("first")) <= int(read.pop("last")) <= owed.now()
    assert read == {
        "k": "d",
        "i": "d/r1/completed",
        "error": "no",
        "traceback": "trace",
        "tries": "1",
        "v": "verdict of d r1 completed w",
        "d": "document of d r1 completed w",
    }


def test_a_resent_burial_is_a_duplicate(owed: Bus) -> None:
    """The same ending is buried once."""
    owed.tell()
    fence = owed.begin().fence
    assert [owed.bury("d", fence) for _ in range(3)] == [OK, DUP, DUP]
    assert owed.client.xlen(owed.key("dlq", "g")) == 1
    assert owed.commit("d", fence) == LOST


def test_groups_settle_apart(owed: Bus) -> None:
    """What one group does with an ending is nothing to another."""
    owed.add("h")
    owed.tell()
    mine, other = owed.begin(group="g"), owed.begin(group="h")
    assert owed.commit("d", mine.fence, "g") == OK
    assert owed.record()["owed"] == "1"
    assert set(owed.todo("h")) == {"d"}
    assert owed.release("d", other.fence, "h") == OK
    assert owed.bury("d", owed.begin(group="h").fence, "h") == OK
    assert owed.record()["owed"] == "0"


def test_fences_rise_across_a_lost_server(owed: Bus) -> None:
    """After a server that lost everything a fence is still higher than any it gave before."""
    owed.tell()
    before = owed.begin().fence
    for node in owed.server.nodes:
        node.flushall()
    owed.add()
    owed.tell()
    assert owed.begin().fence > before


def test_a_lease_from_another_clock_is_none(owed: Bus) -> None:
    """A lease that ends more than two of its lengths ahead was written by a server whose clock was ahead."""
    owed.tell()
    owed.begin()
    owed.move("d", "g", owed.now() + 2 * LEASE_MS - 5000)
    assert owed.begin().status == "busy"
    owed.move("d", "g", owed.now() + 2 * LEASE_MS + 5000)
    assert owed.begin().status == "ok"


def test_what_has_aged_away_is_gone(owed: Bus) -> None:
    """An ending whose record is no more leaves the queue when it is begun."""
    owed.tell()
    owed.client.delete(owed.key("d", "d"), owed.key("p", "d"))
    assert owed.begin() == Begun("gone")
    assert owed.todo() == {}


def test_an_aged_document_leaves_the_verdict(owed: Bus) -> None:
    """When only the payload has aged away, the verdict is still given."""
    owed.tell()
    owed.client.delete(owed.key("p", "d"))
    assert owed.begin(with_document=True).verdict == b"verdict of d r1 completed w"


def test_an_owner_may_have_any_name(owed: Bus) -> None:
    """Whatever a consumer calls itself, its lease works."""
    owed.tell()
    begun = owed.begin(owner="host-1 (pid 7)\n%s ü")
    assert owed.renew("d", begun.fence) == OK
    assert owed.release("d", begun.fence) == OK
    assert owed.commit("d", owed.begin(owner="").fence) == OK
