"""A finding as an event: the reconciler's verdict or an attempt's end, with what the command itself left. Pure.

Exit code, signal, output, result and times are the wrapper's where it has said them; code, blame and evidence are ours.
"""

import re
from datetime import datetime
from typing import Any

import msgspec
from eightbells.events import document
from eightbells.events.codes import Code
from eightbells.events.contract.codes import CODES
from eightbells.events.contract.limits import EVENT_BYTES
from eightbells.events.contract.scripts import Report, event_id
from eightbells.events.schema import TYPE, Attempt, Data, Event, Output, Place, State
from eightbells.reconciler import attempts as ends
from eightbells.reconciler.containers import asked_for, status_of
from eightbells.reconciler.reports import is_final
from eightbells.reconciler.rules.witness import with_witness
from eightbells.reconciler.times import between, moment_of, timestamp
from eightbells.reconciler.verdict import Finding, Verdict
from eightbells.reconciler.worker.testimony import Dossier, Testimony, testify
from msgspec.structs import asdict, replace

REPORTER = "reconciler"

KEPT = (
    *("exit_code", "signal", "message", "remedy", "terminated_by", "started_at", "finished_at", "duration_seconds"),
    *("stdout", "stderr", "result", "warnings"),
)
"""What an ending takes over from what the wrapper has said of the run."""

SAID = (
    *("fault", "retryable", "charged", "cause", "exit_code", "message", "explanation", "remedy", "terminated_by"),
    *("may_still_run", "evidence"),
)
"""What a finding says itself."""

_SIGNAL = re.compile(r"SIG[A-Z0-9+-]{1,12}")

SHORT = 2048
"""Characters of each stream that fit beside whatever else an event may have."""


def report_ending(verdict: Verdict, dossier: Dossier) -> Report:
    """Return the ending of a dispatch. A failure of one that is being cancelled is `cancelled`, and says by what."""
    record = dossier.record
    if record.cancelled_at and verdict.state == "failed" and verdict.code != Code.CANCELLED:
        verdict = _cancelled(verdict)
    told = testify(verdict, dossier)
    data = _data(_witnessed(verdict, told, dossier), verdict.state, told, dossier)
    data = replace(data, may_still_start=verdict.may_still_start, attempts=_attempts(data, dossier))
    return _report(data, dossier, seq=record.seq)


def report_attempt(attempt: ends.Attempt, dossier: Dossier, number: int) -> Report:
    """Return the end of an attempt whose dispatch goes on. `number` is what the bus has given its run, or will."""
    told = replace(testify(attempt.finding, dossier), run=attempt.run)
    data = replace(_data(attempt.finding, "attempt_ended", told, dossier), attempt=number)
    return _report(data, dossier, seq=None)


def _witnessed(verdict: Verdict, told: Testimony, dossier: Dossier) -> Finding:
    """A verdict about the Job with what Kubernetes says of the command in its newest pod: exit code and times."""
    if verdict.pod or told.sighting is None:
        return verdict
    return replace(with_witness(dossier.case, told.sighting, verdict), may_still_run=verdict.may_still_run)


def _cancelled(verdict: Verdict) -> Verdict:
    return replace(
        verdict,
        code=Code.CANCELLED,
        fault="cancelled",
        retryable=Code.CANCELLED.retryable,
        charged=Code.CANCELLED.charged,
        cause=str(verdict.code),
        explanation=f"It was cancelled. {verdict.explanation}",
        remedy=None,
    )


def _data(found: Finding, state: State, told: Testimony, dossier: Dossier) -> Data:
    report, record = told.report, dossier.record
    left = _left(report)
    started = moment_of(found.started_at) or moment_of(left.get("started_at"))
    finished = moment_of(found.finished_at) or moment_of(left.get("finished_at"))
    return Data(
        **left
        | _said(found, left)
        | {
            "dispatch_id": record.dispatch,
            "state": state,
            "reporter": REPORTER,
            "run": told.run or None,
            "attempt": (record.number_of(told.run) or len(record.runs) + 1) if told.run else None,
            "via": (report.via or "redis") if report else None,
            "started_at": timestamp(started),
            "finished_at": timestamp(finished),
            "duration_seconds": _duration(started, finished, report),
            "place": _place(found, told, dossier),
            "labels": _labels(record.labels),
            "rerun_of": record.rerun_of or None,
        }
    )


def _left(report: Data | None) -> dict[str, Any]:
    """What the wrapper says, as far as it can be true: a termination message holds whatever the command writes."""
    if report is None:
        return {}
    left = {name: getattr(report, name) for name in KEPT}
    if not is_final(report):
        left["result"] = None
    if report.exit_code is not None and not 0 <= report.exit_code <= 255:
        left["exit_code"] = None
    if not _SIGNAL.fullmatch(report.signal or ""):
        left["signal"] = None
    return left


def _said(found: Finding, left: dict[str, Any]) -> dict[str, Any]:
    """What the finding says; where it says nothing, what was left stays."""
    said = {name: value for name in SAID if (value := getattr(found, name)) is not None}
    signal = found.signal if _SIGNAL.fullmatch(found.signal or "") else left.get("signal")
    warnings = tuple(dict.fromkeys((*found.warnings, *left.get("warnings", ()))))
    return said | {"code": str(found.code), "signal": signal, "warnings": warnings}


def _duration(started: datetime | None, finished: datetime | None, report: Data | None) -> float | None:
    if report and report.duration_seconds is not None and is_final(report):
        return report.duration_seconds
    if started is None or finished is None or finished < started:
        return None
    return round(between(started, finished), 6)


def _place(found: Finding, told: Testimony, dossier: Dossier) -> Place:
    """The wrapper knows its own place best; what it does not know, the objects say."""
    said: dict[str, Any] = asdict(told.report.place) if told.report and told.report.place else {}
    case, record = dossier.case, dossier.record
    job, pod = case.job, told.sighting.pod if told.sighting else None
    owner = pod.controller if pod else None
    seen: dict[str, Any] = {
        "cluster": dossier.cluster,
        "namespace": (job or pod).metadata.namespace if job or pod else record.namespace,  # type: ignore[union-attr]
        "job": job.name if job else record.job or (owner.name if owner else None),
        "job_uid": job.uid if job else record.job_uid or (owner.uid if owner else None),
    }
    if pod:
        name = found.container or case.main
        status, wanted = status_of(pod, name), asked_for(pod, name)
        seen |= {"pod": pod.name, "pod_uid": pod.uid, "node": pod.wants.node_name, "container": name}
        seen |= {"image": wanted.image or status.image, "image_id": status.image_id}
    return Place(**{name: seen.get(name) or said.get(name) or None for name in Place.__struct_fields__})


def _attempts(data: Data, dossier: Dossier) -> tuple[Attempt, ...]:
    """Every run there was, as the bus numbers them, with our own findings: the wrapper knows no cause from outside."""
    known = {one.run: _charged(one) for one in dossier.record.attempts}
    for one in dossier.attempts:
        known[one.run] = _judged(known.get(one.run, Attempt(one.run)), one.finding)
    if data.run and (data.run not in known or known[data.run].code is None):
        own = Attempt(data.run, data.attempt, data.code, data.charged, data.started_at, data.finished_at)
        known[data.run] = own
    if data.run and known[data.run].number is None:
        known[data.run] = replace(known[data.run], number=data.attempt)
    return tuple(known.values())


def _judged(attempt: Attempt, finding: Finding) -> Attempt:
    return replace(
        attempt,
        code=str(finding.code),
        charged=finding.charged,
        started_at=finding.started_at or attempt.started_at,
        finished_at=finding.finished_at or attempt.finished_at,
    )


def _charged(attempt: Attempt) -> Attempt:
    """The record keeps no charge: it is the code's, where the code alone decides."""
    return replace(attempt, charged=CODES[attempt.code][2]) if attempt.code in CODES else attempt


def _labels(text: str) -> dict[str, str] | None:
    try:
        return msgspec.json.decode(text, type=dict[str, str]) if text else None
    except msgspec.DecodeError:
        return None


def _report(data: Data, dossier: Dossier, *, seq: int | None) -> Report:
    record = dossier.record
    place = data.place or Place()
    source = f"/eightbells/{REPORTER}/{place.namespace or '-'}/{place.job or '-'}"
    event = Event(
        "1.0",
        event_id(record.dispatch, data.run or "", data.state),
        source,
        TYPE.format(state=data.state),
        record.dispatch,
        timestamp(dossier.case.now) or "",
        data,
        traceparent=record.traceparent or None,
    )
    finished = moment_of(data.finished_at)
    return Report(
        record.dispatch,
        data.state,
        run=data.run or "",
        source=source,
        document=_fitted(event),
        code=data.code or "",
        job_uid=place.job_uid or "",
        finished_ms=int(finished.timestamp() * 1000) if finished else None,
        seq=seq,
        verdict=document.encode_verdict(event),
    )


def _fitted(event: Event) -> bytes:
    """Return the document, with less output and then without its result where it would be too long."""
    try:
        return document.encode(event)
    except document.Oversized:
        data = replace(event.data, stdout=_shortened(event.data.stdout), stderr=_shortened(event.data.stderr))
    try:
        return document.encode(replace(event, data=data))
    except document.Oversized:
        warnings = (*data.warnings, "the result is left out: the event is full")
        return document.encode(replace(event, data=replace(data, result=None, warnings=warnings)), EVENT_BYTES)


def _shortened(output: Output | None) -> Output | None:
    return output and replace(output, head="", tail=output.tail[-SHORT:], truncated=True)
