"""What `get` says: what the record and the Job know, and nothing that neither does."""

from typing import Any

from eightbells.dispatcher.jobs import Condition, Job, JobStatus, Metadata
from eightbells.dispatcher.names import DISPATCH_ANNOTATION
from eightbells.dispatcher.record import Record, Run
from eightbells.dispatcher.report import Report, report
from eightbells.events.schema import Attempt, Data, Output, Place, Verdict

RUNNING = Run("pod-1.0", 1, is_over=False, source="/eightbells/wrapper/jobs/pod-1")
OVER = Run("pod-1.0", 1, is_over=True, source="/eightbells/wrapper/jobs/pod-1")


def job(*conditions: Condition, dispatch: str = "d", **status: Any) -> Job:
    """A Job of a dispatch."""
    metadata = Metadata("j", "jobs", "uid-1", {DISPATCH_ANNOTATION: dispatch})
    return Job(metadata, JobStatus(conditions=conditions, **status))


def told(found: Job | None = None, **fields: Any) -> Report:
    """What is said of a record and a Job."""
    return report("d", Record(now=10_000, cluster="c", namespace="jobs", job="j", **fields), found, heartbeat=10.0)


def test_a_dispatch_goes_from_registered_to_its_ending() -> None:
    """One state at a time, whatever else is known."""
    states = [
        told().state,
        told(runs=(RUNNING,)).state,
        told(runs=(OVER,)).state,
        told(runs=(OVER,), verdict=Verdict("failed", "exit_nonzero", 7)).state,
        told(verdict=Verdict("completed")).state,
    ]

    assert states == ["registered", "running", "attempt_ended", "failed", "completed"]


def test_a_running_command_has_its_pod_and_the_age_of_its_heartbeat() -> None:
    """The pod is known from who said that it runs; a heartbeat lives for three of its intervals."""
    said = told(job(active=1), runs=(RUNNING,), beat_ms=27_500)

    assert (said.place.pod, said.place.job_uid, said.heartbeat_age) == ("pod-1", "uid-1", 2.5)
    assert said.job
    assert said.job.status == "active"


def test_what_has_ended_has_no_heartbeat() -> None:
    """Nor is it being cancelled any more."""
    said = told(verdict=Verdict("failed", "cancelled"), cancelled_at=5, beat_ms=20_000)

    assert (said.heartbeat_age, said.is_cancelling) == (None, False)
    assert told(cancelled_at=5).is_cancelling


def test_an_attempt_that_ended_shows_its_output_before_there_is_an_ending() -> None:
    """And the place as the command itself saw it."""
    data = Data("d", "attempt_ended", "wrapper", run=OVER.name, stdout=Output("so far"), place=Place(node="n"))
    said = told(runs=(OVER,), newest=data)

    assert said.stdout
    assert (said.stdout.tail, said.place.node, said.place.cluster) == ("so far", "n", "c")


def test_the_attempt_that_was_the_end_has_its_code_and_times() -> None:
    """Its run has said so with the ending; what ended before says it by itself, and another's end is not its own."""
    first, last = Attempt("pod-0.0", 1, code="signalled"), Attempt("pod-1.0", 2)
    end = Verdict("failed", "exit_nonzero", 7, run=last.run, started_at="2026-01-01T00:00:00Z", finished_at="x")

    attempts = told(attempts=(first, last), verdict=end).attempts

    assert attempts == (first, Attempt("pod-1.0", 2, "exit_nonzero", started_at=end.started_at, finished_at="x"))
    assert told(attempts=(first, last), verdict=Verdict("failed", "job_deleted")).attempts == (first, last)


def test_a_job_says_why_it_failed() -> None:
    """With the reason and the message of the condition that holds."""
    failed = Condition("Failed", "True", "PodFailurePolicy", "Container main failed with exit code 42")
    said = told(job(failed, Condition("Suspended", "False"), failed=1)).job

    assert said
    assert (said.status, said.failed) == ("failed", 1)
    assert said.conditions == ("Failed: PodFailurePolicy: Container main failed with exit code 42",)


def test_a_job_of_the_name_that_another_has_is_not_ours() -> None:
    """Nothing of it is told."""
    said = told(job(dispatch="another", active=1))

    assert (said.job, said.place.job_uid) == (None, None)
