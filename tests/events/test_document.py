"""The document: an event to bytes and back, through what a newer writer adds and what a broken one sends."""

import json
from typing import Any

import msgspec
import pytest
from eightbells.events import document
from eightbells.events.contract.codes import CODES
from eightbells.events.contract.limits import EVENT_BYTES
from eightbells.events.document import EventError, Malformed, Oversized
from eightbells.events.schema import ENDINGS, SCHEMA, Data, Event, Verdict

from tests.events.samples import RUN, WHOLE, bare, with_data


def test_an_event_survives_the_way() -> None:
    """What is encoded is decoded to the same event."""
    assert document.decode(document.encode(WHOLE)) == WHOLE
    assert document.decode(document.encode(bare())) == bare()


def test_the_whole_sample_is_whole() -> None:
    """The sample event leaves no field at its default, so that the tests on it see every field."""
    for part in (WHOLE, WHOLE.data):
        left = [
            field.name
            for field in msgspec.structs.fields(part)
            if field.name not in {"datacontenttype", "dataschema"} and getattr(part, field.name) in (None, (), "")
        ]
        assert left == []


def test_absent_is_null() -> None:
    """A reader of the bare event sees every field, and null where nothing is known."""
    data = json.loads(document.encode(bare()))["data"]
    assert set(data) == set(Data.__struct_fields__)
    assert data["exit_code"] is None
    assert data["signal"] is None
    assert data["duration_seconds"] is None


def test_only_endings_end() -> None:
    """An event is an ending when its state is completed or failed."""
    assert {state for state in ("running", "attempt_ended", "completed", "failed") if bare(state).is_ending} == ENDINGS


def test_every_document_names_its_schema() -> None:
    """The document says which schema it keeps to."""
    assert json.loads(document.encode(bare()))["dataschema"] == SCHEMA


def newer(**data: Any) -> bytes:
    """The document of a writer from the future."""
    plain = json.loads(document.encode(WHOLE))
    plain |= {"eightbellsfuture": {"deep": [1]}}
    plain["data"] |= {"mood": "good", "place": {**plain["data"]["place"], "zone": "b"}, **data}
    plain["data"]["stdout"]["colour"] = "red"
    return json.dumps(plain).encode()


def test_unknown_fields_are_ignored() -> None:
    """Fields of a newer writer, at any depth, change nothing for a reader of today."""
    assert document.decode(newer()) == WHOLE


def test_an_unknown_code_is_kept() -> None:
    """A code of a newer writer is kept as text, its fault is read, and it is no member of the enum."""
    data = document.decode(newer(code="moon_phase", fault="infra")).data
    assert (data.code, data.fault, data.known_code) == ("moon_phase", "infra", None)
    assert WHOLE.data.known_code == "signalled"
    assert bare().data.known_code is None


@pytest.mark.parametrize(
    ("sent", "where", "what"),
    [
        (b"", "$", "truncated"),
        (b"\xff\x00", "$", "malformed"),
        (b"[]", "$", "array"),
        (b"{}", "$", "specversion"),
        (b'{"specversion":"0.3"}', "$.specversion", "0.3"),
        (b'{"specversion":"1.0","id":"\xff"}', "$", "utf-8"),
        (document.encode(WHOLE)[:-1], "$", "truncated"),
        (document.encode(WHOLE).replace(b'"attempt":1', b'"attempt":"one"'), "$.data.attempt", "str"),
        (document.encode(WHOLE).replace(b'"state":"failed"', b'"state":"fine"'), "$.data.state", "fine"),
        (document.encode(WHOLE).replace(b'"number":1', b'"number":1.5'), "$.data.attempts[0].number", "float"),
        (document.encode(WHOLE).replace(b'"fault":"user"', b'"fault":"moon"'), "$.data.fault", "moon"),
        (document.encode(WHOLE).replace(b'{"rows"', b"[" * 50_000 + b'{"rows"'), "$", "recursion"),
    ],
)
def test_a_malformed_document_is_a_typed_error(sent: bytes, where: str, what: str) -> None:
    """What is not an event is refused with an error that names what is wrong, and in which field."""
    with pytest.raises(Malformed) as caught:
        document.decode(sent)
    assert caught.value.where == where
    assert what in caught.value.what
    assert where in str(caught.value)
    assert isinstance(caught.value, EventError)


def test_an_oversized_document_is_a_typed_error() -> None:
    """A document above the limit is neither read nor written; the error says its size and the limit."""
    large = with_data(WHOLE, message="x" * EVENT_BYTES)
    with pytest.raises(Oversized) as writing:
        document.encode(large)
    sent = document.encode(large, limit=2 * EVENT_BYTES)
    with pytest.raises(Oversized) as reading:
        document.decode(sent)
    assert writing.value.size == reading.value.size == len(sent)
    assert str(len(sent)) in str(reading.value)
    assert str(EVENT_BYTES) in str(reading.value)


def test_the_limit_itself_fits() -> None:
    """A document of exactly the limit is written and read; one byte more is not."""
    size = len(document.encode(with_data(WHOLE, message="")))
    text = "x" * (EVENT_BYTES - size)
    full = with_data(WHOLE, message=text)
    assert len(document.encode(full)) == EVENT_BYTES
    assert document.decode(document.encode(full)) == full
    with pytest.raises(Oversized, match="1 more than"):
        document.encode(with_data(WHOLE, message=text + "x"))


def test_a_verdict_survives_the_way() -> None:
    """What the record keeps of an ending says how it ended."""
    kept = document.decode_verdict(document.encode_verdict(WHOLE))
    assert kept == Verdict(
        state="failed",
        code="signalled",
        exit_code=143,
        signal="SIGTERM",
        fault="user",
        run=RUN,
        started_at="2026-11-25T03:00:00Z",
        finished_at="2026-11-25T03:00:09.500Z",
    )


def longest() -> Event:
    """An ending whose verdict has the longest value there is in every field."""
    run = "4f6d0a8e-6c1c-4c5e-9f43-0c2b7a3f9d11/2147483647"
    time = "2026-11-25T03:00:09.500000+00:00"
    code = max(CODES, key=len)
    return with_data(
        WHOLE,
        state="completed",
        code=code,
        exit_code=255,
        signal="SIGRTMIN+15",
        fault="dependency",
        run=run,
        started_at=time,
        finished_at=time,
    )


def test_a_verdict_is_small() -> None:
    """The longest verdict has at most 300 bytes."""
    assert len(document.encode_verdict(longest())) <= 300


@pytest.mark.parametrize("kept", [b"", b"{}", b"[]", b'{"state":"fine"}', b'{"state":"failed","exit_code":"\xff"}'])
def test_a_malformed_verdict_is_a_typed_error(kept: bytes) -> None:
    """A verdict that cannot be read is an error that says so."""
    with pytest.raises(Malformed, match="verdict"):
        document.decode_verdict(kept)


def test_a_newer_verdict_is_read() -> None:
    """Fields and codes of a newer writer in a verdict change nothing for a reader of today."""
    kept = document.decode_verdict(b'{"state":"failed","code":"moon_phase","mood":1}')
    assert kept == Verdict(state="failed", code="moon_phase")


def test_no_event_is_a_surprise() -> None:
    """Decoding raises nothing but its own error, whatever byte of a document is broken."""
    whole = document.encode(WHOLE)
    for i in range(len(whole)):
        for byte in (b"", b"\x00", b"\xff", b'"', b"}"):
            try:
                decoded = document.decode(whole[:i] + byte + whole[i + 1 :])
            except EventError:
                continue
            assert isinstance(decoded, Event)
