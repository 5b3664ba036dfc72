"""What a handler is given: the event, and what its dispatch was registered with."""

import hashlib

import msgspec
from eightbells.events.document import Malformed, decode, decode_verdict
from eightbells.events.leasing import Begun, Held
from eightbells.events.schema import TYPE, Data, Event
from msgspec import Struct


class Delivery(Struct, frozen=True):
    """One event for one handler.

    `fence` rises with every lease of the dispatch: a store that checks it refuses a process that has lost its
    lease. `idempotency_key` is the same for every delivery of the event: any other store can refuse a repetition.
    `tries` counts from 1. Progress events have neither fence nor tries. `document` holds the bytes from the bus;
    it is empty where they have aged and the event is what the verdict still tells.
    """

    dispatch: str
    event: Event
    document: bytes
    fence: int
    tries: int
    labels: dict[str, str]
    context: str
    callback: str
    traceparent: str

    @property
    def idempotency_key(self) -> str:
        """32 hex digits of sha256 over source NUL id, the identity of an event."""
        return hashlib.sha256(f"{self.event.source}\0{self.event.id}".encode()).hexdigest()[:32]

    @property
    def held(self) -> Held:
        """The lease, as the scripts name it."""
        return Held(self.dispatch, self.fence)


def make_delivery(dispatch: str, begun: Begun, document: bytes) -> Delivery:
    """Return the delivery of an event that was begun. Raises `EventError` where its document cannot be read."""
    event = decode(document) if document else aged(dispatch, begun.verdict)
    if event.subject != dispatch:
        raise Malformed(f"it speaks of {event.subject!r}, and was published for {dispatch!r}", "$.subject")
    return Delivery(
        dispatch=dispatch,
        event=event,
        document=document,
        fence=begun.fence,
        tries=begun.tries,
        labels=labels(begun.labels),
        context=str(begun.context, "utf-8", "replace"),
        callback=str(begun.callback, "utf-8", "replace"),
        traceparent=str(begun.traceparent, "utf-8", "replace"),
    )


def aged(dispatch: str, text: bytes) -> Event:
    """Return the event of an ending whose document has passed its age: what the verdict still tells."""
    verdict = decode_verdict(text)
    data = Data(
        dispatch_id=dispatch,
        state=verdict.state,
        reporter="record",
        run=verdict.run,
        code=verdict.code,
        fault=verdict.fault,
        exit_code=verdict.exit_code,
        signal=verdict.signal,
        started_at=verdict.started_at,
        finished_at=verdict.finished_at,
        warnings=("the document has passed its age: this is what the record still holds",),
    )
    return Event(
        specversion="1.0",
        id=f"{dispatch}/{verdict.run or '-'}/{verdict.state}",
        source="/eightbells/record",
        type=TYPE.format(state=verdict.state),
        subject=dispatch,
        time=verdict.finished_at or "1970-01-01T00:00:00Z",
        data=data,
    )


def labels(text: bytes) -> dict[str, str]:
    """Return the labels a dispatch was registered with; what is not an object of strings counts as none."""
    if not text:
        return {}
    try:
        return msgspec.json.decode(text, type=dict[str, str])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
