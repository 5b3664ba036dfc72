"""The ending that a canceller makes: of what the newest attempt said, and nothing that nobody knows."""

from typing import Any

import msgspec
import pytest
from eightbells.dispatcher.ending import report_ending
from eightbells.dispatcher.jobs import Job, JobSpec, Metadata
from eightbells.dispatcher.record import Record, Run
from eightbells.events import document
from eightbells.events.contract.limits import EVENT_BYTES
from eightbells.events.schema import Attempt, Data, Event, Output, Place, Verdict

PLACE = Place("c", "jobs", "d-1", "uid-1")
TIMES = ("2026-01-01T00:00:00.000000Z", "2026-01-01T00:00:05.000000Z")
JOB = Job(Metadata("d-1", "jobs", "uid-1"))
RUN = Run("pod-1.0", 1, is_over=True, source="/eightbells/wrapper/jobs/pod-1")


def attempt(**more: Any) -> Data:
    """What a wrapper said of a command that was told to stop."""
    given: dict[str, Any] = {
        "run": RUN.name,
        "code": "exit_nonzero",
        "exit_code": 3,
        "terminated_by": "SIGTERM",
        "message": "exited with 3",
        "started_at": "2026-01-01T00:00:00.000000Z",
        "finished_at": "2026-01-01T00:00:05.000000Z",
        "stdout": Output("the end", total_bytes=7),
        "result": {"half": "done"},
        "place": Place(node="n", pod="pod-1"),
        **more,
    }
    return Data("d", "attempt_ended", "wrapper", **given)


def record(**more: Any) -> Record:
    """A dispatch that has run once and is being cancelled."""
    attempts = (Attempt(RUN.name, 1, "exit_nonzero"),)
    given = {"seq": 5, "cancelled_at": 2_000, "runs": (RUN,), "attempts": attempts, "newest": attempt(), **more}
    return Record(now=3_000, **given)


def end(found: Record, job: Job | None = JOB, *, is_complete: bool = False) -> Event:
    """The event, as who reads it gets it."""
    told = report_ending("d", found, PLACE, job, is_complete=is_complete)
    assert told.seq == found.seq
    assert len(told.verdict) <= 300
    event = document.decode(bytes(told.document, "utf-8") if isinstance(told.document, str) else told.document)
    assert (told.event_id, told.state, told.code) == (event.id, event.data.state, event.data.code)
    assert event.is_ending
    return event


def test_the_ending_of_a_cancelled_command_has_its_exit_code_and_output() -> None:
    """Nothing of what its wrapper said is lost."""
    event = end(record())
    data = event.data

    assert (data.state, data.code, data.fault, data.retryable) == ("failed", "cancelled", "cancelled", "no")
    assert (data.exit_code, data.terminated_by, data.message) == (3, "SIGTERM", "cancelled; exited with 3")
    assert (data.stdout, data.result) == (Output("the end", total_bytes=7), {"half": "done"})
    assert (data.place and data.place.node, data.place and data.place.job_uid) == ("n", "uid-1")
    assert event.source == "/eightbells/canceller/jobs/d-1"
    assert data.attempts == (Attempt(RUN.name, 1, "exit_nonzero", charged=True),)
    assert data.evidence[0].value == "2000"


def test_a_success_that_nobody_told_to_stop_stands() -> None:
    """It had ended before; that its ending had not been made is not its fault."""
    data = end(record(newest=attempt(code="exited_zero", exit_code=0, terminated_by=None))).data

    assert (data.state, data.code, data.exit_code) == ("completed", "exited_zero", 0)


def test_a_command_that_was_told_to_stop_and_exits_with_zero_is_cancelled() -> None:
    """A server that ends well on SIGTERM did not finish its work."""
    data = end(record(newest=attempt(code="exited_zero", exit_code=0))).data

    assert (data.state, data.code, data.exit_code) == ("failed", "cancelled", 0)


def test_a_complete_job_whose_command_left_no_word_is_a_success() -> None:
    """Kubernetes saw it end."""
    assert end(record(newest=None), is_complete=True).data.code == "completed_without_report"


def test_what_never_started_has_no_run() -> None:
    """And may still start only while a POST may be under way."""
    never = {"runs": (), "attempts": (), "newest": None}
    early, late = record(create_before=4_000, **never), record(create_before=-90_000, **never)

    assert end(early, None).data.run is None
    assert end(early, None).data.may_still_start is True
    assert end(late, None).data.may_still_start is False
    assert end(early).data.may_still_start is None


def test_an_earlier_attempt_does_not_speak_for_the_last() -> None:
    """The last run was killed without a word: its exit code is not that of the one before."""
    last = Run("pod-2.0", 2, is_over=False, source="/eightbells/wrapper/jobs/pod-2")
    data = end(record(runs=(RUN, last))).data

    assert (data.run, data.attempt, data.exit_code, data.stdout) == ("pod-2.0", 2, None, None)


@pytest.mark.parametrize("size", [10_000, 60_000])
def test_an_ending_that_is_full_gives_way_in_its_output_first(size: int) -> None:
    """It is never too long to be accepted."""
    output = Output("t" * 12_000, "h" * 4_000, 99_999, truncated=True)
    event = end(record(newest=attempt(stdout=output, stderr=output, result="r" * size), labels={"l": "v" * 30_000}))

    assert len(msgspec.json.encode(event)) <= EVENT_BYTES
    assert event.data.code == "cancelled"
    assert event.data.stdout
    assert event.data.stdout.tail


def test_one_of_several_pods_does_not_speak_for_the_job() -> None:
    """The success of an index is not the Job's, unless Kubernetes says that all have succeeded."""
    several = Job(Metadata("d-1", "jobs", "uid-1"), spec=JobSpec(completions=3))
    found = record(newest=attempt(code="exited_zero", exit_code=0, terminated_by=None))

    assert end(found, several).data.code == "cancelled"
    assert end(found, several, is_complete=True).data.code == "exited_zero"


def test_a_thousand_attempts_do_not_keep_a_dispatch_from_its_end() -> None:
    """The last of them are there, and it is said that not all are; nothing is said of a result that was none."""
    attempts = tuple(Attempt(f"{'p' * 36}/{number}", number, "exit_nonzero", True, *TIMES) for number in range(1, 1001))
    data = end(record(attempts=attempts, newest=attempt(result=None))).data

    assert [one.number for one in data.attempts] == list(range(901, 1001))
    assert data.warnings == ("of the attempts only the last 100 are here: the event is full",)


def test_labels_that_leave_no_room_are_left_out() -> None:
    """A label more or less is no reason not to end."""
    data = end(record(labels={f"label-{number}": "v" * 60 for number in range(1000)})).data

    assert (data.labels, data.exit_code) == (None, 3)
    assert data.warnings[-1] == "the labels are left out: the event is full"


def test_the_verdict_says_what_the_event_does() -> None:
    """What outlives the document is of the same ending."""
    told = report_ending("d", record(), PLACE, JOB, is_complete=False)

    assert document.decode_verdict(bytes(told.verdict)) == Verdict(  # type: ignore[arg-type]
        "failed",
        "cancelled",
        3,
        None,
        "cancelled",
        RUN.name,
        "2026-01-01T00:00:00.000000Z",
        "2026-01-01T00:00:05.000000Z",
    )
