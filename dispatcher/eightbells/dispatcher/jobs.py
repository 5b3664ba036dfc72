"""Jobs as the API has them: create, get, mark as cancelled, delete. One request each; nothing is tried again here.

What the API refuses is a typed error with the API's own message; what it may not refuse later is `Unavailable`.
"""

import re
from typing import Any
from urllib.parse import quote

import msgspec
from eightbells.dispatcher.connection import Answer, Connection
from eightbells.dispatcher.errors import AnswerLost, DispatcherError, Forbidden, Invalid, QuotaExceeded, Unavailable
from msgspec import Struct, field

CREATE_TIMEOUT = "30s"
"""What the API server gives itself for a POST: one that hangs must not come true minutes later."""

DENIED = re.compile(r"admission webhook .* denied the request|ValidatingAdmissionPolicy .* denied request", re.DOTALL)
"""What the API server says for an admission webhook or policy, with a status of their own choice: often 403, as where
an account has no right.
"""


class Metadata(Struct, frozen=True, rename="camel"):
    """Who an object is."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    annotations: dict[str, str] | None = None
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None


class Condition(Struct, frozen=True):
    """One of a Job's conditions."""

    type: str
    status: str
    reason: str | None = None
    message: str | None = None


class JobSpec(Struct, frozen=True):
    """What a Job is for."""

    completions: int | None = None


class JobStatus(Struct, frozen=True, rename="camel"):
    """How far a Job is."""

    conditions: tuple[Condition, ...] | None = None
    active: int | None = None
    ready: int | None = None
    terminating: int | None = None
    succeeded: int | None = None
    failed: int | None = None
    start_time: str | None = None


class Job(Struct, frozen=True):
    """A Job, as far as the dispatcher looks at it."""

    metadata: Metadata = field(default_factory=Metadata)
    status: JobStatus = field(default_factory=JobStatus)
    spec: JobSpec = field(default_factory=JobSpec)

    @property
    def name(self) -> str:
        """Namespace and name, for messages."""
        return f"{self.metadata.namespace}/{self.metadata.name}"

    @property
    def annotations(self) -> dict[str, str]:
        """Its annotations; none are an empty dict."""
        return self.metadata.annotations or {}

    @property
    def is_being_deleted(self) -> bool:
        """Whether somebody has deleted it and its pods are not gone yet."""
        return self.metadata.deletion_timestamp is not None

    @property
    def has_several_pods(self) -> bool:
        """Whether the success of one pod is not yet the Job's."""
        return (self.spec.completions or 1) > 1

    @property
    def is_complete(self) -> bool:
        """Whether Kubernetes says that it succeeded; `Complete` comes later and may stay away."""
        return any(
            one.status == "True" and one.type in ("SuccessCriteriaMet", "Complete")
            for one in self.status.conditions or ()
        )


class Problem(Struct, frozen=True):
    """The API's Status, which says why it did not do something."""

    message: str = ""
    reason: str = ""


class Jobs:
    """The Jobs of a cluster."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create(self, namespace: str, manifest: dict[str, Any], until: float) -> Job | None:
        """Create a Job, but not after `until`, a moment of our monotonic clock; None where its name is taken.

        Raises `TooLate`, and `AnswerLost` when nobody knows whether it was created.
        """
        path = path_of(namespace)
        answer = self._connection.request("POST", path, body=manifest, until=until, timeout=CREATE_TIMEOUT)
        if answer.status == 409 and problem_of(answer).reason == "AlreadyExists":
            return None
        doing = f"creating Job {namespace}/{manifest['metadata']['name']}"
        if answer.status >= 500:  # a server that gave up waiting for its store does not know either
            raise AnswerLost(str(error_of(answer, doing)), answer.retry_after)
        return _decoded(answer, doing)

    def get(self, namespace: str, name: str) -> Job | None:
        """Return the Job of this name; None where there is none."""
        try:
            answer = self._connection.request("GET", path_of(namespace, name))
            doing = f"reading Job {namespace}/{name}"
            if answer.status != 404:
                return _decoded(answer, doing)
        except AnswerLost as error:  # whatever became of it, it changed nothing
            raise Unavailable(str(error)) from None
        if problem_of(answer).reason != "NotFound":  # a proxy's 404 is no word of the API: what it hides may run
            raise Unavailable(f"{doing}: what is between us and the API says 404, and not that there is no such Job")
        return None

    def annotate(self, job: Job, annotations: dict[str, str]) -> bool:
        """Add annotations to this very Job; False where it is there no more."""
        patch = {"metadata": {"uid": job.metadata.uid, "annotations": annotations}}
        return self._change("PATCH", job, patch, "merge-patch+json", "marking")

    def delete(self, job: Job) -> bool:
        """Delete this very Job in the foreground, so that it stays until its pods are gone; False where it is gone."""
        options = {"propagationPolicy": "Foreground", "preconditions": {"uid": job.metadata.uid}}
        return self._change("DELETE", job, options, "json", "deleting")

    def _change(self, method: str, job: Job, body: dict[str, Any], kind: str, doing: str) -> bool:
        path = path_of(job.metadata.namespace, job.metadata.name)
        answer = self._connection.request(method, path, body=body, kind=kind)
        if answer.status in (404, 409, 422) and self._is_gone(job):
            return False
        if answer.status not in (200, 202):
            raise error_of(answer, f"{doing} Job {job.name}")
        return True

    def _is_gone(self, job: Job) -> bool:
        """Whether a change failed because the Job of this UID is there no more; another may have its name."""
        found = self.get(job.metadata.namespace, job.metadata.name)
        return found is None or found.metadata.uid != job.metadata.uid


def path_of(namespace: str, name: str = "") -> str:
    """Return the path of a Job, or of all of a namespace."""
    path = f"/apis/batch/v1/namespaces/{quote(namespace, safe='')}/jobs"
    return f"{path}/{quote(name, safe='')}" if name else path


def problem_of(answer: Answer) -> Problem:
    """Return what the API said; what is between us and it may say something that is not JSON."""
    try:
        return msgspec.json.decode(answer.body, type=Problem)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Problem(answer.body[:200].decode("utf-8", "replace"))


def error_of(answer: Answer, doing: str) -> DispatcherError:
    """Return the error that an answer is."""
    problem = problem_of(answer)
    text = f"{doing}: {problem.message or 'no reason given'} ({answer.status})"
    if answer.status in (400, 404, 405, 413, 415, 422) or (answer.status < 500 and DENIED.search(problem.message)):
        return Invalid(text)
    if answer.status in (401, 403):
        return (QuotaExceeded if "exceeded quota" in problem.message else Forbidden)(text)
    return Unavailable(text, answer.retry_after)


def _decoded(answer: Answer, doing: str) -> Job:
    if answer.status not in (200, 201, 202):
        raise error_of(answer, doing)
    try:
        found = msgspec.json.decode(answer.body, type=Job)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise AnswerLost(f"{doing}: the answer is no Job: {error}") from None
    if not found.metadata.uid:
        raise AnswerLost(f"{doing}: the answer is no Job, it has no UID: see what is between us and the API")
    return found
