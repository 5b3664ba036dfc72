"""The envelope: the CloudEvents SDK reads every event, and what it writes is an event."""

from datetime import UTC, datetime

import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from eightbells.events import document
from eightbells.events.schema import Event, State
from msgspec.structs import replace

from tests.events.samples import DISPATCH, WHOLE, bare

STATES: tuple[State, ...] = ("running", "attempt_ended", "completed", "failed")


def read(event: Event) -> CloudEvent:
    found = JSONFormat().read(CloudEvent, document.encode(event))
    assert isinstance(found, CloudEvent)
    return found


@pytest.mark.parametrize("state", STATES)
def test_the_sdk_reads_an_event(state: State) -> None:
    """An event of each state is a CloudEvent 1.0 with our type, source, subject and time."""
    found = read(bare(state))
    assert found.get_specversion() == "1.0"
    assert found.get_type() == f"io.eightbells.dispatch.{state}.v1"
    assert found.get_id() == f"{DISPATCH}/-/{state}"
    assert found.get_source() == "/eightbells/wrapper/batch/report-7d9f"
    assert found.get_subject() == DISPATCH
    assert found.get_time() == datetime(2026, 11, 25, 3, 0, 9, 500000, UTC)
    assert found.get_datacontenttype() == "application/json"
    assert found.get_dataschema() == "https://eightbells.io/schema/event.v1.json"


def test_the_sdk_reads_the_trace() -> None:
    """The trace of the event is in the extension attributes that CloudEvents gives it."""
    found = read(WHOLE)
    assert found.get_extension("traceparent") == WHOLE.traceparent
    assert found.get_extension("tracestate") == WHOLE.tracestate


def test_the_sdk_keeps_the_data() -> None:
    """What the SDK has read and written again is the same event, but for how it writes the time."""
    kept = document.decode(JSONFormat().write(read(WHOLE)))
    assert datetime.fromisoformat(kept.time) == datetime.fromisoformat(WHOLE.time)
    assert replace(kept, time=WHOLE.time) == WHOLE
