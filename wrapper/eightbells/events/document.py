"""An event to bytes and back. What cannot be read is a typed error that names what is wrong and where.

EventError
├── Oversized   more bytes than an event may have
└── Malformed   not JSON, or not the event's shape
"""

import msgspec
from eightbells.events.contract.limits import EVENT_BYTES
from eightbells.events.schema import Event, Verdict

_decoder = msgspec.json.Decoder(Event)
_verdict_decoder = msgspec.json.Decoder(Verdict)
_encoder = msgspec.json.Encoder()


class EventError(ValueError):
    """A document is not an event of this contract."""


class Oversized(EventError):
    """An encoded event has more bytes than the limit; `size` and `limit` say how many."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(
            f"the event is {size} bytes, {size - limit} more than the limit of {limit}: shorten its output"
        )
        self.size = size
        self.limit = limit


class Malformed(EventError):
    """A document is not JSON or not an event; `where` is the path of the field (`$` is the document)."""

    def __init__(self, what: str, where: str) -> None:
        super().__init__(f"the event is malformed at {where}: {what}")
        self.what = what
        self.where = where


def decode(document: bytes, limit: int = EVENT_BYTES) -> Event:
    """Return the event; unknown fields are ignored and unknown codes kept. Raises `EventError`."""
    if len(document) > limit:
        raise Oversized(len(document), limit)
    try:
        return _decoder.decode(document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        what, _, where = str(error).rpartition(" - at `")
        raise Malformed(what or str(error), where.rstrip("`") if what else "$") from None


def encode(event: Event, limit: int = EVENT_BYTES) -> bytes:
    """Return the document, null fields included, so that every reader sees the whole shape. Raises `Oversized`."""
    document = _encoder.encode(event)
    if len(document) > limit:
        raise Oversized(len(document), limit)
    return document


def decode_verdict(text: bytes) -> Verdict:
    """Return what a record keeps of an ending. Raises `Malformed`."""
    try:
        return _verdict_decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(str(error), "verdict") from None


def encode_verdict(event: Event) -> bytes:
    """Return the verdict of an ending as the record keeps it."""
    data = event.data
    return _encoder.encode(
        Verdict(
            state=data.state,
            code=data.code,
            exit_code=data.exit_code,
            signal=data.signal,
            fault=data.fault,
            run=data.run,
            started_at=data.started_at,
            finished_at=data.finished_at,
        )
    )
