"""The events that are published here: real documents, as the wrapper's are, of about 1.2 KiB."""

from collections.abc import Iterator

from eightbells.events.contract.scripts import Report
from eightbells.events.document import encode, encode_verdict
from eightbells.events.schema import TYPE, Data, Event, Output, Place, State

RUN = "5f0a3c9e-3b1d-4f6e-9a53-2f0f5a7c1d11:0"
SOURCE = "/eightbells/wrapper/default/bench-pod"
TIME = "2026-01-01T00:00:00.000Z"


def running(dispatch: str) -> Report:
    """Return the report of a command that has started."""
    event = make_event(dispatch, "running", None, "")
    return Report(dispatch, "running", run=RUN, source=SOURCE, document=encode(event))


def completed(dispatch: str, tail: str = "done\n") -> Report:
    """Return the report of a command that has ended well, with `tail` as its output."""
    event = make_event(dispatch, "completed", "exited_zero", tail)
    document, verdict = encode(event), encode_verdict(event)
    return Report(dispatch, "completed", run=RUN, source=SOURCE, code="exited_zero", document=document, verdict=verdict)


def make_event(dispatch: str, state: State, code: str | None, tail: str) -> Event:
    """Return the event of a small command in a Pod."""
    has_ended = code is not None
    data = Data(
        dispatch_id=dispatch,
        state=state,
        reporter="wrapper",
        run=RUN,
        via="redis",
        code=code,
        fault="none" if has_ended else None,
        exit_code=0 if has_ended else None,
        started_at=TIME,
        finished_at=TIME if has_ended else None,
        duration_seconds=1.0 if has_ended else None,
        stdout=Output(tail=tail, total_bytes=len(tail)) if has_ended else None,
        stderr=Output() if has_ended else None,
        place=Place(namespace="default", pod="bench-pod", node="node-1"),
    )
    return Event(
        specversion="1.0",
        id=f"{dispatch}/{RUN}/{state}",
        source=SOURCE,
        type=TYPE.format(state=state),
        subject=dispatch,
        time=TIME,
        data=data,
    )


def dispatches(count: int, prefix: str = "bench") -> Iterator[str]:
    """Return names of dispatches."""
    return (f"{prefix}-{number:08d}" for number in range(count))
