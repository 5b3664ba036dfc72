"""The attempts of a dispatch that have ended, and why: what it is told while its Job goes on, and what an ending lists.

In the order in which their pods were made, then by restart. Of a container that is started again only the last two runs
are to be seen, so there may be gaps. Whom the Job itself deleted is no attempt that ended.
"""

from datetime import datetime

from eightbells.reconciler.case import Case
from eightbells.reconciler.containers import status_of
from eightbells.reconciler.deletions import asked_at
from eightbells.reconciler.graces import Graces
from eightbells.reconciler.objects import Terminated
from eightbells.reconciler.rules.attempt import judge_attempt, without_deletion
from eightbells.reconciler.rules.ends import End
from eightbells.reconciler.rules.terminated import judge_end
from eightbells.reconciler.snapshot import Sighting, Snapshot
from eightbells.reconciler.verdict import Finding
from msgspec import Struct


class Attempt(Struct, frozen=True):
    """One start of the command that is over. `run` names it as the wrapper does: pod UID and restart count."""

    run: str
    finding: Finding


def list_attempts(snapshot: Snapshot, now: datetime, graces: Graces | None = None) -> tuple[Attempt, ...]:
    """Return what has ended so far; never raises."""
    case = Case(snapshot, now, graces or Graces())
    return tuple(attempt for sighting in case.pods for attempt in _of_pod(case, sighting))


def _of_pod(case: Case, sighting: Sighting) -> list[Attempt]:
    restarts = status_of(sighting.pod, case.main).restart_count or 0
    found = {
        count: judge_end(
            End(case=case, sighting=without_deletion(sighting), name=case.main, ended=over, where="lastState")
        )
        for count, over in _earlier_ends(case, sighting, restarts)
    }
    if sighting.pod.uid not in case.victims and (last := judge_attempt(case, sighting)):
        found.setdefault(restarts, last)
    return [Attempt(f"{sighting.pod.uid}.{count}", finding) for count, finding in sorted(found.items())]


def _earlier_ends(case: Case, sighting: Sighting, restarts: int) -> list[tuple[int, Terminated]]:
    """The runs before the present one, by restart count, that any sight shows; before a deletion, also the present."""
    asked, ends = asked_at(sighting), []
    for pod in sighting.sights:
        status = status_of(pod, case.main)
        count = status.restart_count or 0
        for at, over in ((count - 1, status.last.terminated), (count, status.now.terminated)):
            is_before = bool(over and over.finished_at and asked and over.finished_at < asked)
            if over and at >= 0 and (at < restarts or (is_before and pod.wants.restart_policy == "OnFailure")):
                ends.append((at, over))
    return ends
