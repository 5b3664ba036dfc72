"""Creating the Job of a dispatch, once, whatever becomes of a request: one Job can have the name.

A POST whose answer was lost is resolved by a GET. Another is sent only while the bus allows it, because what looks at
the record afterwards takes a Job that is not there for one that never will be.
"""

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
    """The Job of a dispatch, and whether it was there before."""

    job: Job
    status: Literal["created", "existing"]


def find_or_create(jobs: Jobs, target: Target, until: float, *, may_create: bool) -> Found | None:
    """Return the Job of the target; None where another one had its name and is gone now, so that all begins again.

    No POST is sent after `until` of our monotonic clock, nor without `may_create`. Raises `Conflict`, `Gone`, `TooLate`
    and what the API answers.
    """
    patient, impatient = Tries(until), Tries(min(until, soon()))
    was_sent = False
    while True:
        try:
            return _try(jobs, target, until, may_create=may_create, was_sent=was_sent)
        except AnswerLost as error:
            was_sent = was_sent or may_create
            if not patient.wait(error):
                raise TooLate(f"{error}; it may have been created: submitting {target.id} again is safe") from error
        except Unavailable as error:
            tries = impatient if error.retry_after is None else patient
            if not tries.wait(error):
                raise


def _try(jobs: Jobs, target: Target, until: float, *, may_create: bool, was_sent: bool) -> Found | None:
    """Do it once. `was_sent`: a POST of ours may have been done, so look first."""
    job = jobs.get(target.namespace, target.name) if was_sent or not may_create else None
    if job is None:
        job = _create(jobs, target, until, may_create=may_create)
        if job is not None:
            return Found(job, "created")
        job = jobs.get(target.namespace, target.name)
    if job is not None and is_same(job, target):
        return Found(job, "created" if was_sent else "existing")
    _wait_until_gone(jobs, target, until)
    return None


def is_same(job: Job, target: Target) -> bool:
    """Whether the Job of this name is ours and there to stay; False while it is being deleted. Raises `Conflict`."""
    if job.is_being_deleted:
        return False
    found, spec = job.annotations.get(DISPATCH_ANNOTATION), job.annotations.get(SPEC_ANNOTATION)
    if found != target.id:
        whose = f"is of dispatch {found}" if found else "is not ours"
        raise Conflict(f"Job {job.name} has the name that dispatch {target.id} needs, and {whose}: remove it")
    if spec != target.fingerprint:
        raise Conflict(
            f"dispatch {target.id} was submitted with other content: Job {job.name} has the fingerprint {spec}, "
            f"this one {target.fingerprint}; use another id"
        )
    return True


def _create(jobs: Jobs, target: Target, until: float, *, may_create: bool) -> Job | None:
    if not may_create:
        raise Gone(
            f"dispatch {target.id} has not ended, and its Job {target.namespace}/{target.name} is gone: it is not "
            "started twice; cancel it, or run it again under another id"
        )
    return jobs.create(target.namespace, target.manifest, until)


def _wait_until_gone(jobs: Jobs, target: Target, until: float) -> None:
    """Wait for a Job that is being deleted. Raises `TooLate`."""
    while jobs.get(target.namespace, target.name) is not None:
        if time.monotonic() + LOOK_SECONDS >= until:
            raise TooLate(
                f"Job {target.namespace}/{target.name} is still being deleted: submit {target.id} again later"
            )
        time.sleep(LOOK_SECONDS)
