"""Every document that the wrapper can write is an event that every reader can read, and says what it was told."""

import json
import signal
from typing import Any

import pytest
from eightbells.events.codes import Code
from eightbells.events.contract.limits import EVENT_BYTES
from eightbells.events.document import decode, decode_verdict, encode, encode_verdict
from eightbells.wrapper.document import to_json
from eightbells.wrapper.environment import Variables
from eightbells.wrapper.outcome import Ending, Outcome, decide
from eightbells.wrapper.reports import Run, timestamp
from eightbells.wrapper.target import PLACE, Target
from eightbells.wrapper.windows import Window
from hypothesis import given, settings
from hypothesis import strategies as some

BUS = {b"EIGHTBELLS_DISPATCH_ID": b"d", b"EIGHTBELLS_URL": b"redis://h"}
TARGET = Target(Variables(BUS, pytest.fail))
UNTIDY = some.one_of(
    some.binary(max_size=40_000),
    some.text(max_size=10_000).map(lambda text: text.encode("utf-8", "surrogatepass")),
    some.sampled_from([b"\0", b"\xff", b'"', b"\\", "ü".encode(), "⛵".encode(), b"\n"]).flatmap(
        lambda piece: some.integers(0, 40_000).map(lambda count: piece * count)
    ),
)
NAMES = some.binary(max_size=1500).filter(lambda value: b"\0" not in value)
STATUSES = some.one_of(some.integers(0, 255).map(lambda code: code << 8), some.integers(1, 31), some.just(11 | 0x80))
TOLD = some.lists(some.sampled_from(["SIGTERM", "SIGINT", "timeout", "cancel", "SIGKILL"]), unique=True)


def window(data: bytes, chunk: int = 4096) -> Window:
    kept = Window()
    for start in range(0, len(data), chunk):
        kept.feed(memoryview(data)[start : start + chunk])
    return kept


def ending(outcome: Outcome, stdout: bytes = b"", stderr: bytes = b"", warnings: tuple[str, ...] = ()) -> Ending:
    windows = {"stdout": window(stdout), "stderr": window(stderr)}
    times: dict[str, Any] = {"started_at": 1e9, "finished_at": 1e9 + 1.5, "seconds": 1.5}
    return Ending(outcome, windows=windows, warnings=warnings, **times)


@settings(max_examples=150, deadline=None)
@given(UNTIDY, UNTIDY, STATUSES, TOLD)
def test_whatever_the_command_wrote_is_a_document_within_the_limit(
    stdout: bytes, stderr: bytes, status: int, told: list[str]
) -> None:
    """Any bytes on both streams make a readable event of at most 64 KiB, which says how the command ended."""
    outcome = decide(status, told, 3)
    report = Run(TARGET).end(ending(outcome, stdout, stderr), 4, is_cancelled=False)
    assert isinstance(report.document, bytes)
    assert len(report.document) <= EVENT_BYTES
    data = decode(report.document).data
    assert (data.code, data.exit_code, data.signal) == (outcome.code, outcome.exit_code, outcome.signal)
    assert data.stdout is not None
    assert data.stderr is not None
    assert (data.stdout.total_bytes, data.stderr.total_bytes) == (len(stdout), len(stderr))
    assert data.terminated_by == (", ".join(told) or None)
    assert [attempt.number for attempt in data.attempts] == [4]


def test_what_must_give_way_gives_no_more_than_that() -> None:
    """Output that is too long when encoded is cut, the longest first, and fills most of the room."""
    report = Run(TARGET).end(ending(decide(0, (), 0), b"\0" * 40_000, b"why it failed\n"), 1, is_cancelled=False)
    assert isinstance(report.document, bytes)
    data = decode(report.document).data
    assert len(report.document) > EVENT_BYTES * 3 // 4 - 2000
    assert data.stdout is not None
    assert data.stderr is not None
    assert data.stdout.truncated
    assert (data.stderr.tail, data.stderr.truncated) == ("why it failed\n", False)


def test_output_and_result_give_way_to_what_the_command_left() -> None:
    """A termination message of 4 KiB that are six times as long in JSON is whole, and the event within its limit."""
    left = "\1" * 4096
    over = ending(decide(1 << 8, (), 0), b"\0" * 40_000, b"\0" * 40_000)
    over.left, over.result = left, "\1" * 10_000
    report = Run(TARGET).end(over, 1, is_cancelled=False)
    assert isinstance(report.document, bytes)
    assert len(report.document) <= EVENT_BYTES
    assert decode(report.document).data.message == left


@settings(max_examples=100, deadline=None)
@given(some.lists(NAMES, min_size=len(PLACE), max_size=len(PLACE)), NAMES.map(lambda raw: raw.decode("latin-1")))
def test_whatever_the_place_is_called_is_a_document(names: list[bytes], message: str) -> None:
    """Names that are no text, or too long, make a readable event, too, and never hide the code."""
    place = {f"EIGHTBELLS_{name}".encode(): value for name, value in zip(PLACE.values(), names, strict=True)}
    target = Target(Variables({**BUS, **place}, lambda _: None))
    outcome = Outcome("command_not_found", 127, message=message, remedy=message)
    report = Run(target).end(ending(outcome, b"\0" * 20_000, warnings=(message,) * 50), None, is_cancelled=False)
    assert isinstance(report.document, bytes)
    assert len(report.document) <= EVENT_BYTES
    assert decode(report.document).data.code == "command_not_found"
    assert len(report.verdict) <= 300


def test_a_document_is_what_the_structs_would_have_written() -> None:
    """Field for field, with null for what is absent."""
    for report in (
        Run(TARGET).running(1e9),
        Run(TARGET).end(ending(decide(0, (), 0), b"hello \xc3\xbc \xff\0\n"), 1, is_cancelled=False),
        Run(TARGET).end(ending(decide(signal.SIGSEGV, (), 0)), None, is_cancelled=True),
    ):
        assert isinstance(report.document, bytes)
        event = decode(report.document)
        assert json.loads(encode(event)) == json.loads(report.document)
        if report.state != "running":
            assert isinstance(report.verdict, bytes)
            assert decode_verdict(report.verdict) == decode_verdict(encode_verdict(event))


def test_every_code_of_the_wrapper_is_one_of_the_contract() -> None:
    """What the wrapper can say is in the table of codes, with who is to blame."""
    for status, told in ((0, ()), (256, ()), (9, ()), (15, ()), (9, ("SIGTERM", "SIGKILL")), (0, ("timeout",))):
        outcome = decide(status, told, 1)
        report = Run(TARGET).end(ending(outcome), 1, is_cancelled=False)
        assert isinstance(report.document, bytes)
        data = decode(report.document).data
        assert data.known_code in set(Code)
        assert data.fault is not None


def test_event_and_report_agree() -> None:
    """The id, source, subject and times that the bus is handed are those of the document."""
    run = Run(TARGET)
    report = run.end(ending(decide(0, (), 0)), 2, is_cancelled=False)
    assert isinstance(report.document, bytes)
    event = decode(report.document)
    assert (report.event_id, report.source, report.dispatch) == (event.id, event.source, event.subject)
    assert event.id == f"d/{run.name}/completed"
    assert event.time == event.data.finished_at == timestamp(1e9 + 1.5) == "2001-09-09T01:46:41.500000Z"
    assert report.finished_ms == 1_000_000_001_500
    assert event.data.duration_seconds == 1.5


@settings(max_examples=200, deadline=None)
@given(
    some.recursive(
        some.none()
        | some.booleans()
        | some.integers(-(2**53), 2**53)
        | some.text(alphabet=some.characters(codec="utf-8")),
        lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner),
        max_leaves=20,
    )
)
def test_json_by_hand_is_json(value: Any) -> None:
    """What the encoder writes, the library reads back as it was."""
    assert json.loads(to_json(value)) == value
