"""The event as JSON, by hand: msgspec or json would cost the container more memory than all of the wrapper.

Every field is there, null where there is nothing to say. The output gives way until the document fits; nothing
else is ever cut.
"""

from __future__ import annotations

from _json import encode_basestring as quote

from eightbells.events.contract.limits import EVENT_BYTES, HEAD_BYTES, TAIL_BYTES

SCHEMA = "https://eightbells.io/schema/event.v1.json"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from eightbells.wrapper.excerpts import Excerpt


def to_json(value: Any) -> str:
    """Return the JSON of None, a bool, number, string, list, tuple or dict with string keys."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return str(quote(value))
    if isinstance(value, dict):
        return "{" + ",".join(f"{quote(key)}:{to_json(member)}" for key, member in value.items()) + "}"
    return "[" + ",".join(map(to_json, value)) + "]"


def encode(envelope: dict[str, Any], data: dict[str, Any], outputs: dict[str, Excerpt | None]) -> bytes:
    """Return the event, at most 64 KiB. `outputs` are its stdout and stderr, of which the longest give way first,
    and then the result, with a warning.
    """
    limit = HEAD_BYTES + TAIL_BYTES
    while True:
        shown = {name: _output(excerpt, limit) for name, excerpt in outputs.items()}
        document = to_json({**envelope, "data": {**data, **shown}}).encode()
        if len(document) <= EVENT_BYTES or not (limit or data["result"]):
            return document
        if limit:
            limit = limit * 3 // 4
        else:
            limit = HEAD_BYTES + TAIL_BYTES
            data = {
                **data,
                "result": None,
                "warnings": (*data["warnings"], "the result is left out: the event is full"),
            }


RECORD = (
    "code",
    "state",
    "exit_code",
    "signal",
    "terminated_by",
    "dispatch_id",
    "reporter",
    "run",
    "attempt",
    "started_at",
    "finished_at",
    "duration_seconds",
    "message",
    "explanation",
)
"""What a termination message has of an event's data, the code first: whoever reads only the beginning has it."""

TEXTS = ("message", "explanation")
TEXT_BYTES, LEAST_TEXT_BYTES = 1000, 100
"""What of it people wrote, and how much of each is left beside some output, and where there is room for none."""


def encode_record(data: dict[str, Any], outputs: dict[str, Excerpt | None], size: int) -> bytes:
    """Return the termination message, at most so many bytes: the same fields as in an event, with shorter output."""
    limit = size
    while True:
        shown = {name: _output(excerpt, limit, with_head=False) for name, excerpt in outputs.items()}
        texts = {name: _shorten(data[name], TEXT_BYTES if limit else LEAST_TEXT_BYTES) for name in TEXTS}
        document = to_json({**{name: data[name] for name in RECORD}, **texts, **shown}).encode()
        if len(document) <= size or not limit:
            return document
        limit = limit * 3 // 4


def _shorten(text: str | None, size: int) -> str | None:
    """Cut the text at a character border, so that it is at most so many bytes of UTF-8."""
    return text and text.encode()[:size].decode("utf-8", "ignore")


def encode_verdict(data: dict[str, Any]) -> bytes:
    """Return what outlives the document: how it ended, in at most 300 bytes."""
    fields = ("state", "code", "exit_code", "signal", "fault", "run", "started_at", "finished_at")
    return to_json({name: data[name] for name in fields if data[name] is not None}).encode()


def _output(excerpt: Excerpt | None, limit: int, *, with_head: bool = True) -> dict[str, Any] | None:
    if excerpt is None:
        return None
    shown = excerpt.shorten(limit, with_head=with_head)
    return {name: getattr(shown, name) for name in ("tail", "head", "total_bytes", "truncated", "escaped")}
