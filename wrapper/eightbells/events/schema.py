"""The event, v1: a CloudEvent in structured JSON, the same bytes on the bus and in a webhook.

Absent is null, never 0. Durations are seconds, times are RFC 3339 in UTC, integers stay below 2**53. v1 only
grows: readers ignore fields they do not know and treat an unknown code by its fault.
"""

from typing import Any, Literal

from eightbells.events.codes import Code, Fault, Retryable
from eightbells.events.contract.codes import CODES
from msgspec import Struct

State = Literal["running", "attempt_ended", "completed", "failed"]
ENDINGS: frozenset[State] = frozenset({"completed", "failed"})

TYPE = "io.eightbells.dispatch.{state}.v1"
SCHEMA = "https://eightbells.io/schema/event.v1.json"


class Output(Struct, frozen=True):
    r"""What is kept of one output stream.

    `tail` is its end and `head` its beginning (empty while `tail` holds everything); `total_bytes` counts what the
    command wrote. `truncated`: something lies between head and tail. `escaped`: the text was not UTF-8, and the
    bytes that are none are written as `\xNN`.
    """

    tail: str = ""
    head: str = ""
    total_bytes: int = 0
    truncated: bool = False
    escaped: bool = False


class Place(Struct, frozen=True):
    """Where it ran; outside Kubernetes only `node` (the host name) is known."""

    cluster: str | None = None
    namespace: str | None = None
    job: str | None = None
    job_uid: str | None = None
    pod: str | None = None
    pod_uid: str | None = None
    node: str | None = None
    container: str | None = None
    image: str | None = None
    image_id: str | None = None


class Attempt(Struct, frozen=True):
    """One start of the command, in the list that an ending carries; `number` counts from 1."""

    run: str
    number: int | None = None
    code: str | None = None
    charged: bool | None = None
    started_at: str | None = None
    finished_at: str | None = None


class Evidence(Struct, frozen=True):
    """One fact that a verdict rests on: the object and field it was read from, what it said, and when."""

    object: str
    field: str | None = None
    value: str | None = None
    time: str | None = None


class Data(Struct, frozen=True):
    """What happened. `run` names one start of the command, `attempt` its number on the bus.

    `signal` is a name ("SIGKILL"). `terminated_by` is who told the command to stop, where somebody did.
    `may_still_start` and `may_still_run`: the verdict does not stop what it speaks of.
    """

    dispatch_id: str
    state: State
    reporter: str
    run: str | None = None
    attempt: int | None = None
    via: str | None = None
    code: str | None = None
    fault: Fault | None = None
    retryable: Retryable | None = None
    charged: bool | None = None
    cause: str | None = None
    exit_code: int | None = None
    signal: str | None = None
    message: str | None = None
    explanation: str | None = None
    remedy: str | None = None
    terminated_by: str | None = None
    started_at: str | None = None
    finished_at: str | None = None
    duration_seconds: float | None = None
    stdout: Output | None = None
    stderr: Output | None = None
    result: Any = None
    warnings: tuple[str, ...] = ()
    may_still_start: bool | None = None
    may_still_run: bool | None = None
    place: Place | None = None
    attempts: tuple[Attempt, ...] = ()
    labels: dict[str, str] | None = None
    rerun_of: str | None = None
    evidence: tuple[Evidence, ...] = ()

    @property
    def known_code(self) -> Code | None:
        """The code as an enum, or None where it is absent or from a newer writer."""
        return Code(self.code) if self.code is not None and self.code in CODES else None


class Event(Struct, frozen=True):
    """A CloudEvents 1.0 envelope around `Data`; `source` and `id` together are its identity."""

    specversion: Literal["1.0"]
    id: str
    source: str
    type: str
    subject: str
    time: str
    data: Data
    datacontenttype: str = "application/json"
    dataschema: str | None = SCHEMA
    traceparent: str | None = None
    tracestate: str | None = None

    @property
    def is_ending(self) -> bool:
        """Whether this is the terminal event of its dispatch."""
        return self.data.state in ENDINGS


class Verdict(Struct, frozen=True, omit_defaults=True):
    """What outlives the document: enough to answer how a dispatch ended, at most 300 bytes encoded."""

    state: State
    code: str | None = None
    exit_code: int | None = None
    signal: str | None = None
    fault: Fault | None = None
    run: str | None = None
    started_at: str | None = None
    finished_at: str | None = None
