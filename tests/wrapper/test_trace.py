"""The trace that a dispatch belongs to goes with its events."""

import pytest
from eightbells.wrapper.trace import is_tracestate

from tests.wrapper.wrapping import Dispatch

OURS = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
THEIRS = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, None),
        ({"TRACEPARENT": THEIRS}, THEIRS),
        ({"EIGHTBELLS_TRACEPARENT": OURS, "TRACEPARENT": THEIRS}, OURS),
        ({"TRACEPARENT": "not-one"}, None),
        ({"TRACEPARENT": THEIRS.upper()}, None),
        ({"TRACEPARENT": f"00-{'0' * 32}-b7ad6b7169203331-01"}, None),
    ],
)
def test_the_trace_is_in_every_event(dispatch: Dispatch, variables: dict[str, str], expected: str | None) -> None:
    """EIGHTBELLS_TRACEPARENT, or else the container's own TRACEPARENT, is in each event; what is none is in none."""
    assert dispatch.run("true", env=variables).stderr == b""
    assert [event.traceparent for event in dispatch.events] == [expected] * 2


def test_a_trace_of_ours_that_is_none_is_named(dispatch: Dispatch) -> None:
    """A wrong EIGHTBELLS_TRACEPARENT is a line on stderr, and the container's own counts."""
    ran = dispatch.run("true", env={"EIGHTBELLS_TRACEPARENT": "00-1-2-3", "TRACEPARENT": THEIRS})
    assert b"EIGHTBELLS_TRACEPARENT is ignored: " in ran.stderr
    assert {event.traceparent for event in dispatch.events} == {THEIRS}


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"EIGHTBELLS_TRACEPARENT": OURS, "EIGHTBELLS_TRACESTATE": "a=1,b=2"}, "a=1,b=2"),
        ({"TRACEPARENT": THEIRS, "TRACESTATE": "rojo=00f067aa0ba902b7"}, "rojo=00f067aa0ba902b7"),
        ({"EIGHTBELLS_TRACEPARENT": OURS, "TRACEPARENT": THEIRS, "TRACESTATE": "of=another"}, None),
        ({"TRACESTATE": "of=nothing"}, None),
        ({"TRACEPARENT": THEIRS, "TRACESTATE": "no state"}, None),
    ],
)
def test_the_state_goes_with_its_trace(dispatch: Dispatch, variables: dict[str, str], expected: str | None) -> None:
    """EIGHTBELLS_TRACESTATE goes with our trace, TRACESTATE with the container's, neither alone or with the other."""
    assert dispatch.run("true", env=variables).stderr == b""
    assert [event.tracestate for event in dispatch.events] == [expected] * 2


def test_a_state_of_ours_that_is_none_is_named(dispatch: Dispatch) -> None:
    """A wrong EIGHTBELLS_TRACESTATE is a line on stderr, and the trace counts without it."""
    ran = dispatch.run("true", env={"EIGHTBELLS_TRACEPARENT": OURS, "EIGHTBELLS_TRACESTATE": "no state"})
    assert b"EIGHTBELLS_TRACESTATE is ignored: " in ran.stderr
    assert {(event.traceparent, event.tracestate) for event in dispatch.events} == {(OURS, None)}


def test_a_state_of_ours_without_its_trace_is_named(dispatch: Dispatch) -> None:
    """EIGHTBELLS_TRACESTATE without EIGHTBELLS_TRACEPARENT is a line on stderr, and goes with no other trace."""
    ran = dispatch.run("true", env={"EIGHTBELLS_TRACESTATE": "a=1", "TRACEPARENT": THEIRS})
    assert ran.stderr.startswith(b"eightbells-wrapper: EIGHTBELLS_TRACESTATE is ignored: it goes with ")
    assert {(event.traceparent, event.tracestate) for event in dispatch.events} == {(THEIRS, None)}


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("congo=t61rcWkgMzE", True),
        ("tenant@vendor=x y,b=2", True),
        ("a=" + "x" * 510, True),
        ("a=" + "x" * 511, False),
        ("a", False),
        ("a=1,b", False),
        ("a=1\nb=2", False),
        ("a=\u00fc", False),
    ],
)
def test_a_state_is_a_list_of_vendors(text: str, is_one: bool) -> None:
    """Of printable characters, and no longer than everybody must pass on."""
    assert is_tracestate(text) == is_one
