"""Creating the Job of a dispatch, once, whatever becomes of a request: one Job can have the name.

A POST whose answer was lost is resolved by a GET. Another is sent only while the bus allows it, because what looks at
the record afterwards takes a Job that is not there for one that never will be.
"""

import threading
import time
from typing import Any, Literal

from eightbells.dispatcher.errors import AnswerLost, Conflict, Gone, TooLate, Unavailable
from eightbells.dispatcher.jobs import Job, Jobs
from eightbells.dispatcher.names import DISPATCH_ANNOTATION, SPEC_ANNOTATION
from eightbells.dispatcher.tries import Tries, soon
from msgspec import Struct

LOOK_SECONDS = 0.5
"""Between two looks at a Job that is being deleted."""


class Target(Struct, frozen=True):
    """The Job to create, and what tells ours from others of the name."""

    id: str
    namespace: str
    name: str
    fingerprint: str
    manifest: dict[str, Any]


class Found(Struct, frozen=True):
    """The Job of a dispatch: created by us, there before, or being deleted."""

    job: Job
    status: Literal["created", "existing", "going"]


def find_or_create(
    jobs: Jobs, target: Target, until: float, closing: threading.Event, *, may_create: bool
) -> Found | None:
    """Return the Job of the target; None where another one had its name and is gone now, so that all begins again.

    No POST is sent after `until` of our monotonic clock, nor without `may_create`, and once somebody sets `closing`
    nothing is waited for. Raises `Conflict`, `Gone`, `TooLate`
    and what the API answers.
    """
    patient, impatient = Tries(until, closing), Tries(min(until, soon()), closing)
    was_sent = False
    while True:
        try:
            found = _try(jobs, target, until, may_create=may_create, was_sent=was_sent)
            if found is None:
                _wait_until_gone(jobs, target, until, closing)
            return found
        except Unavailable as error:
            was_sent = was_sent or isinstance(error, AnswerLost)
            tries = patient if was_sent or error.retry_after is not None else impatient
            if tries.wait(error):
                continue
            if was_sent:
                raise TooLate(f"{error}; it may have been created: submitting {target.id} again is safe") from error
            raise


def _try(jobs: Jobs, target: Target, until: float, *, may_create: bool, was_sent: bool) -> Found | None:
    """Do it once; None where another Job has the name and is being deleted. `was_sent`: a POST of ours may have been
    done, so look first.
    """
    job = jobs.get(target.namespace, target.name) if was_sent or not may_create else None
    if job is None:
        job = _create(jobs, target, until, may_create=may_create)
        if job is not None:
            return Found(job, "created")
        job = jobs.get(target.namespace, target.name)
    if job is not None and (job.annotations.get(DISPATCH_ANNOTATION) == target.id or not job.is_being_deleted):
        check_same(job, target)
        return Found(job, "going" if job.is_being_deleted else "created" if was_sent else "existing")
    return None


def check_same(job: Job, target: Target) -> None:
    """Raise `Conflict` where the Job of this name is not ours."""
    found, spec = job.annotations.get(DISPATCH_ANNOTATION), job.annotations.get(SPEC_ANNOTATION)
    if found != target.id:
        whose = f"is of dispatch {found}" if found else "is not ours"
        raise Conflict(f"Job {job.name} has the name that dispatch {target.id} needs, and {whose}: remove it")
    if spec != target.fingerprint:
        raise other_content(target, spec, f"Job {job.name} was created")


def other_content(target: Target, spec: str | None, what: str) -> Conflict:
    """Return the error that the same id is wanted for something else."""
    return Conflict(
        f"dispatch {target.id} was submitted with other content: {what} with the fingerprint {spec}, this one has "
        f"{target.fingerprint}; use another id"
    )


def _create(jobs: Jobs, target: Target, until: float, *, may_create: bool) -> Job | None:
    if not may_create:
        raise Gone(
            f"dispatch {target.id} has not ended, and its Job {target.namespace}/{target.name} is gone: it is not "
            "started twice; cancel it, or run it again under another id"
        )
    try:
        return jobs.create(target.namespace, target.manifest, until)
    except TooLate:
        raise TooLate(
            f"Job {target.namespace}/{target.name} was not created in time: submitting again is safe"
        ) from None


def _wait_until_gone(jobs: Jobs, target: Target, until: float, closing: threading.Event) -> None:
    """Wait for a Job that is being deleted. Raises `TooLate`."""
    while jobs.get(target.namespace, target.name) is not None:
        if time.monotonic() + LOOK_SECONDS >= until or closing.wait(LOOK_SECONDS):
            raise TooLate(
                f"Job {target.namespace}/{target.name} is still being deleted: submit {target.id} again later"
            )
