"""What one decision wants to be published: the attempts that nobody has told yet, or the ending. Pure."""

from collections.abc import Container

from eightbells.events.contract.scripts import Report
from eightbells.reconciler.case import Case
from eightbells.reconciler.verdict import NotYet, Verdict
from eightbells.reconciler.worker.progress import untold
from eightbells.reconciler.worker.report import report_attempt, report_ending
from eightbells.reconciler.worker.subject import Subject
from eightbells.reconciler.worker.testimony import Dossier, testify
from msgspec import Struct


class Proposal(Struct, frozen=True, kw_only=True):
    """An event to publish; `verdict` is there for an ending."""

    subject: Subject
    report: Report
    code: str
    verdict: Verdict | None = None


def propose(
    subject: Subject, said: Verdict | NotYet, dossier: Dossier, passed: Container[str] = (), *, at_once: bool = False
) -> list[Proposal]:
    """Return what is to be published now. Attempts go before the ending, which is proposed again when they are told:
    so the bus numbers the runs in the order in which their pods were made. Those of `passed` runs are not told.
    `at_once`: everything, for who only looks.
    """
    case: Case = dossier.case
    earlier = tuple(one for one in untold(dossier.attempts, case, dossier.record) if one.run not in passed)
    if isinstance(said, Verdict):
        own = testify(said, dossier).run
        earlier = tuple(one for one in earlier if one.run != own)
        if not earlier:
            return [_ending(subject, said, dossier)]
    found, number = [], len(dossier.record.runs)
    for one in earlier:
        known = dossier.record.number_of(one.run)
        number += known is None
        report = report_attempt(one, dossier, known or number)
        found.append(Proposal(subject=subject, report=report, code=report.code))
    return [*found, _ending(subject, said, dossier)] if at_once and isinstance(said, Verdict) else found


def _ending(subject: Subject, said: Verdict, dossier: Dossier) -> Proposal:
    report = report_ending(said, dossier)
    return Proposal(subject=subject, report=report, code=report.code, verdict=said)
