"""How a dispatch ended, or that it is too early to say: docs/faults.md, section 2, as one table in order.

Pure and total: values in, a value out, whatever the objects hold. Rules 2 and 11 speak at once, the others only when
nobody of the attempt is still dying. A rule that only waits does not keep a later one from deciding.
"""

from collections.abc import Callable
from datetime import datetime

from eightbells.reconciler.case import Case
from eightbells.reconciler.graces import Graces
from eightbells.reconciler.remedies import with_remedy
from eightbells.reconciler.ruled_out import rule_out
from eightbells.reconciler.rules import creation, deletion, job, sweep, unseen
from eightbells.reconciler.snapshot import Snapshot
from eightbells.reconciler.times import END, later
from eightbells.reconciler.verdict import Asked, Finding, NotYet, Verdict
from msgspec import Struct
from msgspec.structs import replace

Decide = Callable[[Case], Verdict | NotYet | None]


class Rule(Struct, frozen=True):
    """A rule by its number in docs/faults.md. `is_last`: where it waits, nobody after it is asked."""

    number: str
    decide: Decide
    is_last: bool = False


RULES: tuple[Rule, ...] = (
    Rule("0", job.already_ended, is_last=True),
    Rule("0", job.not_this_dispatch, is_last=True),
    Rule("1", job.pods_are_behind, is_last=True),
    Rule("2", job.job_succeeded),
    Rule("11", deletion.job_deleted, is_last=True),
    Rule("11", deletion.job_missing, is_last=True),
    Rule("11", unseen.job_unseen, is_last=True),
    Rule("1", job.somebody_is_dying, is_last=True),
    Rule("3", job.job_failed, is_last=True),
    Rule("6", sweep.main_decides),
    Rule("6d", sweep.pod_lives_on),
    Rule("4", sweep.node_is_lost),
    Rule("8", sweep.pending),
    Rule("10", sweep.never_had_a_pod),
    Rule("10", creation.labels_are_missing),
    Rule("12", sweep.deadline_passed),
)


def classify(snapshot: Snapshot, now: datetime, graces: Graces | None = None) -> Verdict | NotYet:
    """Return how the dispatch ended, or when to look again. Never raises; `now` has a zone."""
    case = Case(snapshot, now, graces or Graces())
    return _finish(case, _decide(case))


def _decide(case: Case) -> Verdict | NotYet:
    waits: list[NotYet] = []
    for rule in RULES:
        said = rule.decide(case)
        if isinstance(said, Verdict):
            return said
        if said is not None:
            waits.append(said)
            if rule.is_last:
                break
    return _join(waits) if waits else sweep.on_its_way(case)


def _join(waits: list[NotYet]) -> NotYet:
    """The first says why, the earliest when, and what it would be then."""
    timed = [one for one in waits if one.until]
    first = min(timed, key=lambda one: one.until or END, default=waits[0])
    warnings = tuple(dict.fromkeys(name for one in waits for name in one.warnings))
    look = tuple(dict.fromkeys(name for one in waits for name in one.look))
    return replace(waits[0], until=first.until, would_be=first.would_be, warnings=warnings, look=look)


def _unasked(case: Case, found: Finding) -> tuple[Asked, ...]:
    """Return what a finding rests on and the snapshot has not; a dump has all that it will ever have."""
    if case.snapshot.is_dump:
        return ()
    events: tuple[Asked, ...] = ("events",) if found.rests_on_events and case.snapshot.events is None else ()
    return (*events, "node") if found.rests_on_node and case.snapshot.nodes is None else events


def _finish(case: Case, said: Verdict | NotYet) -> Verdict | NotYet:
    """Ask for what the decision rests on and nobody has asked for, and say what the rules themselves need not know."""
    found = said if isinstance(said, Verdict) else said.finding
    if found and (look := _unasked(case, found)):
        why = f"One query for {' and '.join(look)} may say more."
        return NotYet(why=why, until=case.now, would_be=found.code, finding=found, look=look)
    if isinstance(said, NotYet):
        until = said.until
        if until is None and not case.is_fresh and not said.is_settled:
            until = later(case.now, sweep.AGAIN)
        return replace(said, until=until, finding=with_remedy(case, said.finding) if said.finding else None)
    seq = case.snapshot.bus.seq if case.snapshot.bus else -1
    said = replace(said, seq=seq, ruled_out=rule_out(case, said))
    return with_remedy(case, said)
