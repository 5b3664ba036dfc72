"""The ending that a canceller makes, where nobody else is left to make one. Values in, values out.

The newest attempt's own report is kept whole: its exit code, signal, output and times. A success that nobody had told
to stop stands.
"""

from datetime import UTC, datetime
from typing import Any

import msgspec
from eightbells.dispatcher.jobs import Job
from eightbells.dispatcher.record import Record
from eightbells.events import document
from eightbells.events.codes import Code
from eightbells.events.contract.codes import CODES
from eightbells.events.contract.limits import EVENT_BYTES
from eightbells.events.contract.scripts import Report, event_id
from eightbells.events.schema import TYPE, Attempt, Data, Event, Evidence, Output, Place
from msgspec.structs import replace

IN_FLIGHT_MS = 90_000
"""After `create_before` no POST is sent; one that was under way has come true by then, or never will."""

KEPT = ("exit_code", "signal", "terminated_by", "started_at", "finished_at", "duration_seconds", "stdout", "stderr")
"""What an ending takes over from the attempt it rests on, with its result, warnings and place."""

SHORT = 2048
"""Characters of each stream that fit beside whatever else an event may have."""

LAST = 100
"""Attempts that fit beside them; there may be a thousand."""


def report_ending(dispatch: str, record: Record, place: Place, job: Job | None, *, is_complete: bool) -> Report:
    """Return the ending of a dispatch that is being cancelled and whose Job is gone or finished.

    `job`: the Job as we saw it; one that we did not see may still be created. `is_complete`: Kubernetes says that it
    succeeded.
    """
    source = f"/eightbells/canceller/{place.namespace or '-'}/{place.job or '-'}"
    alone = job is None or not job.has_several_pods
    data = _data(dispatch, record, place, is_complete=is_complete, is_alone=alone)
    if job is None and not record.was_created:
        data = replace(data, may_still_start=record.now < record.create_before + IN_FLIGHT_MS)
    name = event_id(dispatch, data.run or "", data.state)
    event = Event(
        "1.0",
        name,
        source,
        TYPE.format(state=data.state),
        dispatch,
        datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        data,
        traceparent=record.traceparent or None,
    )
    return Report(
        dispatch,
        data.state,
        run=data.run or "",
        source=source,
        document=_fitted(event),
        code=data.code or "",
        job_uid=place.job_uid or "",
        seq=record.seq,
        verdict=document.encode_verdict(event),
    )


def is_success(attempt: Data | None) -> bool:
    """Whether a command ended well and by itself; one that was told to stop and did is none."""
    return attempt is not None and attempt.code == "exited_zero" and attempt.terminated_by is None


def _data(dispatch: str, record: Record, place: Place, *, is_complete: bool, is_alone: bool) -> Data:
    newest = record.newest
    last = record.runs[-1] if record.runs else None
    if newest is not None and last is not None and newest.run != last.name:
        newest = None  # the last run left no word, and an earlier one's would be mistaken for it
    if is_success(newest) and (is_alone or is_complete):  # one index of several is not the Job
        code, message = "exited_zero", newest.message if newest else None
    elif is_complete:
        code, message = "completed_without_report", "Kubernetes says that the Job is complete; its command left no word"
    else:
        code, message = "cancelled", _message(newest, is_started=last is not None)
    known: dict[str, Any] = {} if newest is None else {name: getattr(newest, name) for name in KEPT}
    found = msgspec.structs.asdict(newest.place) if newest and newest.place else {}
    return Data(
        dispatch,
        "failed" if code == "cancelled" else "completed",
        "canceller",
        run=last.name if last else None,
        attempt=last.number if last else None,
        via="redis" if newest else None,
        code=code,
        fault=Code(code).fault,
        retryable=Code(code).retryable,
        charged=Code(code).charged,
        message=message,
        result=newest.result if newest else None,
        warnings=newest.warnings if newest else (),
        place=Place(**{**found, **{k: v for k, v in msgspec.structs.asdict(place).items() if v}}),
        attempts=tuple(_charged(one) for one in record.attempts),
        labels=record.labels,
        rerun_of=record.rerun_of or None,
        evidence=(Evidence("record", "cancel", str(record.cancelled_at)),),
        **known,
    )


def _message(newest: Data | None, *, is_started: bool) -> str:
    if newest is not None:
        return f"cancelled; {newest.message}"
    return "cancelled; its command left no word" if is_started else "cancelled before its command started"


def _charged(attempt: Attempt) -> Attempt:
    return replace(attempt, charged=CODES[attempt.code][2]) if attempt.code in CODES else attempt


def _fitted(event: Event) -> bytes:
    """Return the document; where it would be too long, without what can be missed most easily."""
    data = event.data
    for shorten in (_whole, _with_less_output, _without_result, _with_last_attempts):
        data = shorten(data)
        try:
            return document.encode(replace(event, data=data))
        except document.Oversized:
            continue
    warnings = (*data.warnings, "the labels are left out: the event is full")
    return document.encode(replace(event, data=replace(data, labels=None, warnings=warnings)), EVENT_BYTES)


def _whole(data: Data) -> Data:
    return data


def _with_less_output(data: Data) -> Data:
    return replace(data, stdout=_shortened(data.stdout), stderr=_shortened(data.stderr))


def _without_result(data: Data) -> Data:
    if data.result is None:
        return data
    return replace(data, result=None, warnings=(*data.warnings, "the result is left out: the event is full"))


def _with_last_attempts(data: Data) -> Data:
    warnings = (*data.warnings, f"of the attempts only the last {LAST} are here: the event is full")
    return replace(data, attempts=data.attempts[-LAST:], warnings=warnings)


def _shortened(output: Output | None) -> Output | None:
    return output and replace(output, head="", tail=output.tail[-SHORT:], truncated=True)
