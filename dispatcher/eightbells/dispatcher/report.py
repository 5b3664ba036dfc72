"""What `get` says of a dispatch: what the record knows, and what its Job says, as one value."""

from datetime import UTC, datetime
from typing import Literal

from eightbells.dispatcher.jobs import Job
from eightbells.dispatcher.names import DISPATCH_ANNOTATION
from eightbells.dispatcher.record import Record
from eightbells.events.schema import Attempt, Data, Output, Place, Verdict
from msgspec import Struct
from msgspec.structs import replace

State = Literal["registered", "running", "attempt_ended", "completed", "failed"]

BEATS_OF_LIFE = 3
"""A heartbeat lives for so many of its intervals."""


class JobReport(Struct, frozen=True):
    """What the Job says; `conditions` are those that hold."""

    status: Literal["waiting", "active", "being deleted", "complete", "failed"]
    conditions: tuple[str, ...] = ()
    active: int = 0
    ready: int = 0
    succeeded: int = 0
    failed: int = 0


class Report(Struct, frozen=True, kw_only=True):
    """A dispatch. `heartbeat_age` is seconds. `job` is null where there is none now, or none was asked for; `problem`
    says why it could not be.
    """

    id: str
    state: State
    is_cancelling: bool = False
    verdict: Verdict | None = None
    message: str | None = None
    remedy: str | None = None
    place: Place = Place()
    attempts: tuple[Attempt, ...] = ()
    stdout: Output | None = None
    stderr: Output | None = None
    warnings: tuple[str, ...] = ()
    registered_at: str | None = None
    ended_at: str | None = None
    heartbeat_age: float | None = None
    labels: dict[str, str] | None = None
    rerun_of: str | None = None
    job: JobReport | None = None
    problem: str | None = None


def report(dispatch: str, record: Record, job: Job | None, *, heartbeat: float, problem: str | None = None) -> Report:
    """Return what is known. `job` is what has the name; `heartbeat` is the wrappers' interval in seconds."""
    said = record.ending or record.newest
    beats = record.verdict is None and record.beat_ms > 0
    mine = job if job is not None and job.annotations.get(DISPATCH_ANNOTATION) == dispatch else None
    return Report(
        id=dispatch,
        state=state_of(record),
        is_cancelling=record.cancelled_at > 0 and record.verdict is None,
        verdict=record.verdict,
        message=said.message if said else None,
        remedy=said.remedy if said else None,
        place=_place(record, said, mine),
        attempts=_attempts(record),
        stdout=said.stdout if said else None,
        stderr=said.stderr if said else None,
        warnings=said.warnings if said else (),
        registered_at=_time(record.registered_at),
        ended_at=_time(record.ended_at),
        heartbeat_age=max(0.0, round(BEATS_OF_LIFE * heartbeat - record.beat_ms / 1000, 3)) if beats else None,
        labels=record.labels,
        rerun_of=record.rerun_of or None,
        job=_job(mine) if mine else None,
        problem=problem,
    )


def state_of(record: Record) -> State:
    """Return how far a dispatch is."""
    if record.verdict is not None:
        return "completed" if record.verdict.state == "completed" else "failed"
    if not record.runs:
        return "registered"
    return "attempt_ended" if record.runs[-1].is_over else "running"


def _attempts(record: Record) -> tuple[Attempt, ...]:
    """The run that ended the dispatch says so in the ending alone."""
    end = record.verdict
    if end is None or end.run is None:
        return record.attempts
    told = {"code": end.code, "started_at": end.started_at, "finished_at": end.finished_at}
    return tuple(replace(one, **told) if one.run == end.run and one.code is None else one for one in record.attempts)


def _place(record: Record, said: Data | None, job: Job | None) -> Place:
    """What the command itself said of its place is the best; before that, the source of its run names the pod."""
    place = said.place if said and said.place else Place()
    source = record.runs[-1].source.split("/") if record.runs else []
    is_wrapper = source[1:3] == ["eightbells", "wrapper"]
    return replace(
        place,
        cluster=place.cluster or record.cluster or None,
        namespace=place.namespace or record.namespace or None,
        job=place.job or record.job or None,
        job_uid=place.job_uid or record.job_uid or (job.metadata.uid if job else None),
        pod=place.pod or (source[-1] if is_wrapper else None),
    )


def _job(job: Job) -> JobReport:
    status = job.status
    held = [one for one in status.conditions or () if one.status == "True"]
    types = {one.type for one in held}
    if job.is_complete:
        word: Literal["waiting", "active", "being deleted", "complete", "failed"] = "complete"
    elif types & {"Failed", "FailureTarget"}:
        word = "failed"
    elif job.is_being_deleted:
        word = "being deleted"
    else:
        word = "active" if status.active else "waiting"
    told = tuple(": ".join(filter(None, (one.type, one.reason, one.message))) for one in held)
    return JobReport(word, told, status.active or 0, status.ready or 0, status.succeeded or 0, status.failed or 0)


def _time(milliseconds: int) -> str | None:
    if not milliseconds:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
