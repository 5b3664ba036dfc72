"""publish: the first ending of a dispatch is its ending, and what comes later is counted and not believed."""

import pytest
from eightbells.events.contract.limits import VERDICT_MS
from eightbells.events.reporting import Published

from tests.bus.bus import Bus, report, statuses

HOUR_MS = 3_600_000


@pytest.mark.parametrize("first", ["completed", "failed"])
@pytest.mark.parametrize("second", ["completed", "failed"])
@pytest.mark.parametrize("run", ["r1", "r2", ""])
def test_the_first_ending_wins(bus: Bus, first: str, second: str, run: str) -> None:
    """The first ending is accepted, from any run; another is told the verdict of the first."""
    assert bus.tell(state=first).status == "ok"
    reply = bus.tell(state=second, run=run, source="reconciler")
    assert reply == Published("terminal", verdict=f"verdict of d r1 {first} w".encode())
    assert bus.record()["end"] == first
    assert [entry["s"] for entry in bus.log()] == [first]


def test_an_ending_needs_nothing_before_it(bus: Bus) -> None:
    """An ending is accepted for a dispatch that nobody has registered or started."""
    assert bus.tell("never-seen", "failed") == Published("ok", attempt=1, seq=1)


def test_an_ending_without_a_run_is_accepted(bus: Bus) -> None:
    """A reporter who knows of no run, because there was none, may end the dispatch."""
    assert bus.tell(state="failed", run="") == Published("ok", attempt=0, seq=1)
    assert bus.record()["eid"] == "d/-/failed"


def test_a_resent_ending_is_a_duplicate(bus: Bus) -> None:
    """The same source and id is the same ending, however often it comes."""
    assert bus.tell().status == "ok"
    assert bus.tell() == Published("dup", attempt=1, seq=1)
    assert bus.tell() == Published("dup", attempt=1, seq=1)
    assert "conflicts" not in bus.record()
    assert len(bus.log()) == 1


def test_the_same_id_from_another_is_no_duplicate(bus: Bus) -> None:
    """Two reporters give an ending the same id: the second is a conflict all the same."""
    bus.tell(source="wrapper")
    assert bus.tell(source="reconciler").status == "terminal"
    assert bus.record()["conflicts"] == "1"


def test_conflicts_are_counted_and_the_first_kept(bus: Bus) -> None:
    """Every other ending is counted; the document of the first of them is kept, because it may have the output."""
    bus.tell(source="reconciler", state="failed")
    bus.tell(source="wrapper")
    bus.tell(source="another", state="failed")
    assert bus.record()["conflicts"] == "2"
    assert bus.payload()["late"] == "document of d r1 completed wrapper"
    assert bus.payload()["end"] == "document of d r1 failed reconciler"


def test_a_resent_late_ending_counts_once(bus: Bus) -> None:
    """The late ending that was kept is not counted again when it is resent."""
    bus.tell(source="reconciler", state="failed")
    assert statuses(bus.publish(*[report(source="wrapper")] * 3)) == ["terminal"] * 3
    assert bus.record()["conflicts"] == "1"


def test_a_late_attempt_is_kept_and_no_conflict(bus: Bus) -> None:
    """An attempt that ended after the dispatch leaves its document, but contradicts nobody."""
    bus.tell(state="running")
    bus.tell(source="reconciler", state="failed", run="")
    assert bus.tell(state="attempt_ended").status == "terminal"
    assert bus.payload()["late"] == "document of d r1 attempt_ended w"
    assert "conflicts" not in bus.record()


def test_what_the_ending_overtook_is_not_late(bus: Bus) -> None:
    """A start, or an attempt that the record knows, is no late report: it leaves nothing when it comes again."""
    bus.tell(state="attempt_ended")
    bus.tell(source="reconciler", state="failed", run="")
    assert bus.tell(state="attempt_ended").status == "terminal"
    assert bus.tell(state="running", run="r2").status == "terminal"
    assert "late" not in bus.payload()


def test_a_start_after_the_end_is_told_to_stop(bus: Bus) -> None:
    """A command that starts when its dispatch has ended learns the verdict."""
    bus.tell(state="failed", run="", source="reconciler")
    assert bus.tell(state="running") == Published(
        "terminal", verdict=b"verdict of d - failed reconciler".replace(b"-", b"")
    )


def test_an_ending_is_kept_whole(bus: Bus) -> None:
    """Record and payload hold who said what and when, the verdict and the document."""
    before = bus.now()
    bus.tell(state="failed", code="exit_nonzero", job_uid="u-1")
    record = bus.record()
    assert before <= int(record.pop("at")) <= bus.now()
    assert record == {
        "seq": "1",
        "n": "1",
        "r:r1": "1 3 w",
        "uid": "u-1",
        "end": "failed",
        "src": "w",
        "eid": "d/r1/failed",
        "code": "exit_nonzero",
        "v": "verdict of d r1 failed w",
        "owed": "0",
    }
    assert bus.payload() == {"end": "document of d r1 failed w"}


def test_accepted_events_are_in_the_log(bus: Bus) -> None:
    """The log has each accepted event once, in order, with id, state, event id and document."""
    bus.publish(report(state="running"), report(state="running"), report(), report(state="failed"))
    entries = bus.log()
    assert [{**entry, "id": ""} for entry in entries] == [
        {"id": "", "k": "d", "s": state, "i": f"d/r1/{state}", "d": f"document of d r1 {state} w"}
        for state in ("running", "completed")
    ]
    assert entries == sorted(entries, key=lambda entry: entry["id"])


def test_documents_are_bytes(bus: Bus) -> None:
    """A document comes out as it went in, whatever bytes it has."""
    document = bytes(range(256)) * 64
    bus.add()
    bus.tell(document=document)
    assert bus.begin(with_document=True).document == document
    ((_, fields),) = bus.client.xrange(bus.key("ev"))
    assert fields[b"d"] == document


def test_an_ending_leaves_the_open_and_joins_the_ended(bus: Bus) -> None:
    """A running dispatch is open; an ended one is not, and is listed by when it was accepted."""
    bus.tell(state="running")
    assert set(bus.scores(bus.key("open:"))) == {"d"}
    bus.tell()
    assert bus.scores(bus.key("open:")) == {}
    assert bus.scores(bus.key("done")) == {"d": int(bus.record()["at"])}


def test_a_start_and_its_end_in_one_call(bus: Bus) -> None:
    """A dispatch that starts and ends within one call is not open afterwards."""
    assert statuses(bus.publish(report(state="running"), report())) == ["ok", "ok"]
    assert bus.scores(bus.key("open:")) == {}


def test_what_ended_before_the_retention_has_expired(bus: Bus) -> None:
    """An event without a record is refused when its command ended longer ago than records live."""
    old = bus.now() - VERDICT_MS - HOUR_MS
    assert bus.tell(finished_ms=old).status == "expired"
    assert bus.record() == {}
    assert bus.log() == []


def test_with_a_record_nothing_is_too_old(bus: Bus) -> None:
    """An ending of a dispatch that is known is accepted, however wrong the reporter's clock is."""
    bus.register()
    assert bus.tell(finished_ms=0).status == "ok"


def test_what_ended_within_the_retention_has_not_expired(bus: Bus) -> None:
    """An event without a record is accepted when its command ended within the retention, or at no known time."""
    assert bus.tell("a", finished_ms=bus.now() - VERDICT_MS + HOUR_MS).status == "ok"
    assert bus.tell("b", finished_ms=bus.now() + VERDICT_MS).status == "ok"
    assert bus.tell("c").status == "ok"


def test_a_verdict_on_an_older_look_is_refused(bus: Bus) -> None:
    """A verdict names the record it was built on, and is refused with the new number when the record has moved."""
    seen = bus.register().seq
    bus.tell(state="running")
    assert bus.tell(state="failed", source="reconciler", seq=seen) == Published("moved", seq=2)
    assert "end" not in bus.record()
    assert bus.tell(state="failed", source="reconciler", seq=2).status == "ok"


def test_a_verdict_on_no_record_needs_none(bus: Bus) -> None:
    """A verdict that rests on there being no record is accepted only while there is none."""
    assert bus.tell("a", "failed", seq=0).status == "ok"
    bus.tell("b", "running")
    assert bus.tell("b", "failed", seq=0).status == "moved"


def test_every_accepted_change_moves_the_record(bus: Bus) -> None:
    """The record's number rises by one with register, each accepted event and cancel, and with nothing else."""
    numbers = [bus.register().seq, bus.register().seq, bus.tell(state="running").seq, bus.tell(state="running").seq]
    numbers += [bus.cancel().seq, bus.cancel().seq, bus.tell(state="attempt_ended").seq, bus.beat().seq]
    numbers += [bus.tell().seq, bus.tell().seq]
    assert numbers == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
