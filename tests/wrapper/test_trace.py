"""The trace that a dispatch belongs to goes with its events."""

import pytest

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
