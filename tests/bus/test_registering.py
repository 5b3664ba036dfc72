"""register, cancel: a dispatch is named before its Job, and marked before its Job is deleted."""

import msgspec
import pytest
import redis
from eightbells.events import reporting
from eightbells.events.reporting import Cancelled, Published, Registered, Registration

from tests.bus.bus import LONG_MS, Bus

TOLD = {"labels": '{"a":"b"}', "context": "\x00 opaque", "callback": "https://x", "traceparent": "00-1-2-00"}
PLACE = {"namespace": "n", "job": "j", "job_uid": "u"}


def test_a_dispatch_is_registered(bus: Bus) -> None:
    """The first register makes the record and says until when its Job may be created."""
    before = bus.now()
    reply = bus.register(create_ms=5000)
    assert reply == Registered("ok", 1, reply.now + 5000, reply.now)
    assert before <= reply.now <= bus.now()
    assert bus.scores(bus.key("open:c")) == {"d": reply.create_before}
    assert int(bus.record()["deadline"]) == reply.now + LONG_MS


def test_register_is_idempotent(bus: Bus) -> None:
    """The same dispatch again is known: what was told first stays, and its Job may be created from now on again."""
    first = bus.register(**PLACE, **TOLD)
    again = bus.register(job="other", job_uid="other", context="other", create_ms=LONG_MS + 5000)
    assert (again.status, again.seq, again.job_uid) == ("known", first.seq, "u")
    assert again.create_before > first.create_before
    assert bus.record()["job"] == "j"
    assert bus.record()["create"] == str(again.create_before)
    assert bus.payload()["context"] == TOLD["context"]


def test_the_same_id_with_another_spec_is_told(bus: Bus) -> None:
    """What was registered first stays, and not even its time is moved by who wants something else."""
    first = bus.register(spec="f1")
    assert bus.register(spec="f2", job="other", create_ms=2 * LONG_MS) == Registered("other", 1, spec="f1")
    assert bus.record()["create"] == str(first.create_before)
    assert [bus.register(spec=spec).status for spec in ("f1", "")] == ["known", "known"]


def test_who_registers_without_a_spec_is_told_nothing_of_it(bus: Bus) -> None:
    """A program that has none, or is older, has the others' content taken for its own, as before."""
    bus.register()
    assert bus.register(spec="f1").status == "known"


def test_a_spec_is_no_reason_not_to_be_told_of_the_end(bus: Bus) -> None:
    """The verdict, and the cancel, come first."""
    bus.register(spec="f1")
    bus.cancel()
    assert bus.register(spec="f2").status == "cancelling"
    bus.tell(state="failed", code="cancelled")
    assert bus.register(spec="f2").status == "ended"


def test_a_register_of_another_version_is_refused_whole(bus: Bus) -> None:
    """Eleven words a dispatch would be read as twelve, and one dispatch's for another's."""
    request = reporting.register("test", [Registration("d", LONG_MS, LONG_MS)], "c")
    with pytest.raises(redis.ResponseError, match="12 ARGV for each dispatch"):
        bus.run(msgspec.structs.replace(request, args=request.args[:-1]))
    assert bus.record() == {}


def test_registering_is_no_event(bus: Bus) -> None:
    """Nobody is told that a dispatch was registered."""
    bus.register()
    assert bus.log() == []


def test_what_has_ended_is_not_registered(bus: Bus) -> None:
    """An id is used once: registering an ended dispatch answers with its verdict."""
    bus.tell(state="failed")
    assert bus.register() == Registered("ended", 1, verdict=b"verdict of d r1 failed w")
    assert "reg" not in bus.record()
    assert bus.scores(bus.key("open:c")) == {}


def test_a_running_dispatch_is_registered_late(bus: Bus) -> None:
    """A register that the command's start has overtaken still tells what it knows."""
    bus.add()
    bus.tell(state="running", job_uid="seen")
    reply = bus.register(**PLACE, **TOLD)
    assert (reply.status, reply.seq, reply.job_uid) == ("ok", 2, "seen")
    assert bus.record()["uid"] == "seen"
    bus.tell()
    assert bus.begin().context == TOLD["context"].encode()


def test_what_register_was_told_reaches_the_handler(bus: Bus) -> None:
    """Labels, context, callback, trace and what it is a rerun of come with the ending, whoever reported it."""
    bus.add()
    bus.register(**TOLD, rerun_of="c")
    bus.tell(source="reconciler")
    begun = bus.begin()
    assert [begun.labels, begun.context, begun.callback, begun.traceparent, begun.rerun_of] == [
        *(value.encode() for value in TOLD.values()),
        b"c",
    ]


def test_cancel_says_where_the_job_is(bus: Bus) -> None:
    """Cancel marks the dispatch and answers with the place that register was told."""
    bus.register(**PLACE)
    assert bus.cancel() == Cancelled("ok", 2, "c", "n", "j", "u")
    assert bus.cancel() == Cancelled("known", 2, "c", "n", "j", "u")


def test_somebody_looks_at_what_is_cancelled(bus: Bus) -> None:
    """A cancelled dispatch is due to be looked at after the patience, in case its Job never ends it."""
    bus.set(patience=5000)
    before = bus.now()
    bus.cancel()
    assert before + 5000 <= bus.scores(bus.key("open:c"))["d"] <= bus.now() + 5000


def test_what_has_ended_is_not_cancelled(bus: Bus) -> None:
    """Cancelling an ended dispatch answers with its verdict and changes nothing."""
    bus.tell()
    assert bus.cancel() == Cancelled("ended", 1, verdict=b"verdict of d r1 completed w")
    assert "cancel" not in bus.record()


def test_cancel_may_come_before_register(bus: Bus) -> None:
    """A dispatch that was cancelled before it was registered is told not to create its Job."""
    assert bus.cancel() == Cancelled("ok", 1)
    assert bus.register() == Registered("cancelling", 1)
    assert "reg" not in bus.record()


def test_a_failure_of_the_cancelled_is_asked_for_again(bus: Bus) -> None:
    """A failure of a dispatch that is being cancelled is not accepted until it says that it was cancelled."""
    bus.cancel()
    assert bus.tell(state="failed", code="signalled") == Published("cancelling", seq=1)
    assert bus.log() == []
    assert bus.tell(state="failed", code="cancelled").status == "ok"


@pytest.mark.parametrize("state", ["running", "attempt_ended", "completed"])
def test_cancelling_changes_nothing_else(bus: Bus, state: str) -> None:
    """What a command did before it could be stopped stands, above all its success."""
    bus.cancel()
    assert bus.tell(state=state) == Published("ok", 1, 2, is_cancelling=True)
