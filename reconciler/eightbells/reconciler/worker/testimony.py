"""Which run a finding is about, and what that run left behind: its pod, and the wrapper's own word.

A verdict about a Job names no pod: then its newest pod speaks, and without any pod the newest attempt on the bus.
"""

from eightbells.events.schema import Data
from eightbells.reconciler.attempts import Attempt
from eightbells.reconciler.case import Case, made_at
from eightbells.reconciler.containers import has_started, status_of
from eightbells.reconciler.snapshot import Sighting
from eightbells.reconciler.verdict import Finding
from eightbells.reconciler.worker.record import Record, is_run
from msgspec import Struct


class Dossier(Struct, frozen=True, kw_only=True):
    """All that is known of one dispatch when something is said about it."""

    case: Case
    record: Record
    cluster: str
    attempts: tuple[Attempt, ...] = ()


class Testimony(Struct, frozen=True, kw_only=True):
    """`run` is '' where no command was started."""

    run: str = ""
    report: Data | None = None
    sighting: Sighting | None = None


def testify(finding: Finding, dossier: Dossier) -> Testimony:
    """Return who speaks for a finding."""
    case, record = dossier.case, dossier.record
    sighting = _sighting(finding, case)
    report = finding.report or (case.report(sighting) if sighting else _newest(record))
    run = report.run if report and is_run(report.run or "") else None
    run = run or _run(sighting, dossier)
    if not run and sighting is None and record.runs:
        run = record.runs[-1].name
    return Testimony(run=run, report=report, sighting=sighting)


def _sighting(finding: Finding, case: Case) -> Sighting | None:
    if finding.pod_uid:
        return next((one for one in case.pods if one.pod.uid == finding.pod_uid), None)
    return max(case.pods, key=lambda one: made_at(one.pod), default=None)


def _newest(record: Record) -> Data | None:
    """The newest attempt's document; the last run may have left no word, and an earlier one's is not its own."""
    return record.newest if record.newest_is_last else None


def _run(sighting: Sighting | None, dossier: Dossier) -> str:
    if sighting is None:
        return ""
    uid, main = sighting.pod.uid, dossier.case.main
    if not is_run(f"{uid}.0"):
        return ""
    if told := [one.run for one in dossier.attempts if one.run.startswith(f"{uid}.")]:
        return told[-1]
    return f"{uid}.{status_of(sighting.pod, main).restart_count or 0}" if has_started(sighting, main) else ""
