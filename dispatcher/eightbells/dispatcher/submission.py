"""Submitting: register, create the Job, tell the bus its UID. Whatever dies in between, submitting again repairs it.

A dispatch is started once: by its id, whose record the bus keeps, and by the name of its Job, which only one can have.
"""

import logging
import threading
import time
from collections.abc import Sequence
from typing import Literal, NoReturn

import msgspec
from eightbells.dispatcher.bus import Bus
from eightbells.dispatcher.creation import Found, Target, find_or_create, other_content
from eightbells.dispatcher.dispatch import Dispatch
from eightbells.dispatcher.errors import Conflict, Gone, Unavailable
from eightbells.dispatcher.job import build_job
from eightbells.dispatcher.jobs import Jobs
from eightbells.dispatcher.names import SPEC_ANNOTATION, new_id
from eightbells.dispatcher.record import read_verdict
from eightbells.dispatcher.settings import Settings
from eightbells.dispatcher.tries import persist, soon
from eightbells.events.reporting import Registered, Registration
from eightbells.events.schema import Verdict
from msgspec import Struct
from msgspec.structs import replace

CREATE_SECONDS = 300.0
"""How long a Job may be created after its dispatch was registered: an outage of the API, or a quota of requests."""

Status = Literal["created", "existing", "ended", "cancelling"]
_log = logging.getLogger(__name__)


class Submitted(Struct, frozen=True):
    """created, or existing already: its Job is there · ended: with `verdict`, and nothing was started · cancelling:
    somebody is cancelling it, and nothing was started.
    """

    id: str
    status: Status
    namespace: str
    job: str
    job_uid: str = ""
    verdict: Verdict | None = None


class Prepared(Struct, frozen=True):
    """A dispatch that can be submitted: its Job, and what the bus is told of it."""

    target: Target
    registration: Registration

    @property
    def id(self) -> str:
        """The dispatch id."""
        return self.target.id

    @property
    def namespace(self) -> str:
        """The namespace of its Job."""
        return self.target.namespace

    @property
    def job(self) -> str:
        """The name of its Job."""
        return self.target.name


class Ticket(Struct, frozen=True):
    """What the bus said to a registration. No POST after `until`, a moment of our monotonic clock."""

    registered: Registered
    until: float


def prepare(dispatch: Dispatch, settings: Settings, create_seconds: float = CREATE_SECONDS) -> Prepared:
    """Return what is needed to submit a dispatch, with a new id where it has none. Raises `Refused`."""
    dispatch = dispatch if dispatch.id else replace(dispatch, id=new_id())
    manifest = build_job(dispatch, settings)
    namespace = manifest["metadata"].get("namespace") or settings.namespace
    name = manifest["metadata"]["name"]
    registration = Registration(
        dispatch.id,
        deadline_ms=manifest["spec"]["activeDeadlineSeconds"] * 1000,
        create_ms=int(create_seconds * 1000),
        namespace=namespace,
        job=name,
        labels=msgspec.json.encode(dispatch.labels).decode() if dispatch.labels else "",
        context=dispatch.context,
        callback=dispatch.callback or "",
        traceparent=dispatch.traceparent or "",
        rerun_of=dispatch.rerun_of or "",
        spec=manifest["metadata"]["annotations"][SPEC_ANNOTATION],
    )
    return Prepared(Target(dispatch.id, namespace, name, registration.spec, manifest), registration)


class Submission:
    """Submits prepared dispatches; threads share it."""

    def __init__(self, bus: Bus, jobs: Jobs) -> None:
        self._bus = bus
        self._jobs = jobs
        self._closing = threading.Event()

    def close(self) -> None:
        """Wait for no server to be ready again, in whatever thread that is."""
        self._closing.set()

    def register(self, wanted: Sequence[Prepared]) -> list[Ticket]:
        """Register up to 500 dispatches in one call."""
        return persist(lambda: self._register([one.registration for one in wanted]), soon())

    def submit(self, wanted: Prepared, ticket: Ticket | None = None) -> Submitted:
        """Register where that has not been done, or too long ago, and create the Job where there is none.

        Raises `DispatcherError`.
        """
        while True:
            if ticket is None or time.monotonic() >= ticket.until:
                (ticket,) = self.register([wanted])
            registered = ticket.registered
            match registered.status:
                case "error":
                    raise Unavailable(f"dispatch {wanted.id} cannot be registered: {registered.message}")
                case "ended" | "cancelling":
                    return _refused(wanted, registered)
                case "other":
                    raise other_content(wanted.target, registered.spec, "it was registered")
            is_new = registered.status == "ok" and registered.seq == 1  # a command may have been heard before
            may_create = is_new or not self._was_created(wanted)
            found = find_or_create(self._jobs, wanted.target, ticket.until, self._closing, may_create=may_create)
            if found is not None:
                return self._settle(wanted, found)
            ticket = None  # another Job had the name, and is gone now: begin again

    def _register(self, registrations: Sequence[Registration]) -> list[Ticket]:
        sent = time.monotonic()  # before the server read its clock, so that we stop rather too early
        replies = self._bus.register(registrations)
        return [Ticket(reply, sent + (reply.create_before - reply.now) / 1000) for reply in replies]

    def _was_created(self, wanted: Prepared) -> bool:
        """Whether a Job of this dispatch is known to have been there. Raises `Conflict` where it belongs elsewhere."""
        record = persist(lambda: self._bus.read(wanted.id), soon())
        if record is None:
            return False
        if (record.cluster, record.namespace) != (self._bus.cluster, wanted.namespace):
            raise Conflict(
                f"dispatch {wanted.id} was registered for namespace {record.namespace} of cluster {record.cluster}, "
                f"not for {wanted.namespace} of {self._bus.cluster}: submit it there, or use another id"
            )
        return record.was_created

    def _settle(self, wanted: Prepared, found: Found) -> Submitted:
        """Tell the bus the Job's UID. A Job that was created while somebody cancelled its dispatch, or while another
        one of it was heard of, is deleted again.
        """
        uid = found.job.metadata.uid
        told = self._tell(wanted, uid)
        is_over = told.status in ("ended", "cancelling")
        if found.status == "going":
            return _refused(wanted, told) if is_over else _gone(wanted, "is being deleted")
        if found.status == "created" and is_over and not _has_run(told):
            persist(lambda: self._jobs.delete(found.job), soon())
            return _refused(wanted, told)
        if found.status == "created" and told.job_uid not in ("", uid):
            persist(lambda: self._jobs.delete(found.job), soon())
            return _gone(wanted, "is another, which has run")
        return Submitted(wanted.id, found.status, wanted.namespace, wanted.job, uid)

    def _tell(self, wanted: Prepared, uid: str) -> Registered:
        """Return what the bus says to a Job's UID; one that does not take it now is told by the wrapper."""
        try:
            (ticket,) = persist(lambda: self._register([replace(wanted.registration, job_uid=uid)]), soon())
            told = ticket.registered
        except Unavailable as error:
            told = Registered("error", message=str(error))
        if told.status == "error":
            _log.warning("the Job's UID is not on the bus", extra={"dispatch": wanted.id, "error": told.message})
        return told


def _gone(wanted: Prepared, why: str) -> NoReturn:
    raise Gone(
        f"dispatch {wanted.id} has not ended, and its Job {wanted.namespace}/{wanted.job} {why}: it is not started "
        "twice; cancel it, or run it again under another id"
    )


def _has_run(told: Registered) -> bool:
    return told.status == "ended" and read_verdict(b"failed", told.verdict).run is not None


def _refused(wanted: Prepared, registered: Registered) -> Submitted:
    status: Status = "ended" if registered.status == "ended" else "cancelling"
    verdict = read_verdict(b"failed", registered.verdict) if registered.status == "ended" else None
    return Submitted(wanted.id, status, wanted.namespace, wanted.job, verdict=verdict)
