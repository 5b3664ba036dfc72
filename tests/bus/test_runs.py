"""publish: runs, which the bus numbers as attempts, and the order of events within each."""

import pytest
from eightbells.events.reporting import Published

from tests.bus.bus import Bus, report, statuses

ORDER = ["running", "attempt_ended", "completed"]


def test_a_run_goes_forward(bus: Bus) -> None:
    """Within a run, start, end of the attempt and ending are each accepted once, in this order."""
    assert [bus.tell(state=state) for state in ORDER] == [Published("ok", 1, seq) for seq in (1, 2, 3)]
    assert [entry["s"] for entry in bus.log()] == ORDER


@pytest.mark.parametrize("state", ["running", "attempt_ended"])
def test_a_resent_event_is_a_duplicate(bus: Bus, state: str) -> None:
    """The same event again is a duplicate and changes nothing."""
    bus.tell(state=state)
    assert bus.tell(state=state) == Published("dup", 1, 1)
    assert len(bus.log()) == 1


def test_a_run_does_not_go_back(bus: Bus) -> None:
    """A start that comes after the end of its own attempt is stale."""
    bus.tell(state="attempt_ended")
    assert bus.tell(state="running") == Published("stale", 1, 1)


def test_what_another_has_said_is_stale(bus: Bus) -> None:
    """What one reporter has said of a run, another does not say again."""
    bus.tell(state="attempt_ended", source="wrapper")
    assert bus.tell(state="attempt_ended", source="reconciler") == Published("stale", 1, 1)


def test_order_is_within_a_run_only(bus: Bus) -> None:
    """The end of an older attempt is accepted after the start of a newer one."""
    assert (
        statuses(
            bus.publish(
                report(state="running", run="old"),
                report(state="running", run="new"),
                report(state="attempt_ended", run="old"),
                report(state="attempt_ended", run="new"),
            )
        )
        == ["ok"] * 4
    )


def test_an_older_run_may_end_the_dispatch(bus: Bus) -> None:
    """A success of the first run is accepted after the second has started."""
    bus.publish(report(state="running", run="old"), report(state="running", run="new"))
    assert bus.tell(run="old") == Published("ok", 1, 3)


def test_runs_are_numbered_as_they_are_mentioned(bus: Bus) -> None:
    """Attempts count from 1 in the order in which their runs were first heard of, whatever was said of them."""
    said = [("b", "running"), ("a", "attempt_ended"), ("b", "attempt_ended"), ("", "attempt_ended"), ("c", "failed")]
    replies = bus.publish(*[report(state=state, run=run) for run, state in said])
    assert [reply.attempt for reply in replies] == [1, 2, 1, 0, 3]
    assert bus.record()["n"] == "3"


def test_runs_are_numbered_for_each_dispatch(bus: Bus) -> None:
    """The number of a run says nothing of other dispatches."""
    replies = bus.publish(*[report(dispatch, "running", run="r") for dispatch in ("a", "b", "c")])
    assert [reply.attempt for reply in replies] == [1, 1, 1]


def test_a_refused_event_numbers_nothing(bus: Bus) -> None:
    """A run that was only mentioned in what was refused has no number."""
    bus.tell(state="running", run="a")
    bus.tell(state="failed", run="b", seq=7)
    assert bus.tell(state="running", run="c").attempt == 2


def test_the_newest_attempts_document_is_kept(bus: Bus) -> None:
    """Of several attempts the newest one's document stays, also when an older one ends later."""
    bus.publish(*[report(state="running", run=run) for run in "abc"])
    bus.tell(state="attempt_ended", run="b")
    assert bus.payload()["att"] == "document of d b attempt_ended w"
    bus.tell(state="attempt_ended", run="a")
    assert bus.payload()["att"] == "document of d b attempt_ended w"
    bus.tell(state="attempt_ended", run="c")
    assert bus.payload()["att"] == "document of d c attempt_ended w"
    assert bus.payload()["n"] == "3"


def test_every_attempts_verdict_is_kept(bus: Bus) -> None:
    """How each attempt ended stays readable by its number, for the list that the ending carries."""
    for run in "ab":
        bus.tell(state="running", run=run)
        bus.tell(state="attempt_ended", run=run)
    kept = {name: value for name, value in bus.payload().items() if name.startswith("a:")}
    assert kept == {f"a:{i}": f"verdict of d {run} attempt_ended w" for i, run in enumerate("ab", 1)}


def test_the_job_is_known_by_whoever_sees_it_first(bus: Bus) -> None:
    """The first Job UID that anybody names stays."""
    bus.tell(state="running")
    bus.tell(state="attempt_ended", job_uid="first")
    bus.tell(state="running", run="r2", job_uid="second")
    assert bus.record()["uid"] == "first"


def test_a_start_says_whether_it_is_being_cancelled(bus: Bus) -> None:
    """The reply to an accepted start tells the command when it is to stop."""
    assert not bus.tell(state="running").is_cancelling
    bus.cancel()
    assert bus.tell(state="running", run="r2").is_cancelling
