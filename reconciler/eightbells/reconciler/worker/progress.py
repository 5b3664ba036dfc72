"""Which attempts are still to be told while their dispatch goes on. Pure.

Of the newest attempt nobody speaks before its command is dead: its wrapper will say more. And where nothing can follow
it, the ending says it all.
"""

from eightbells.reconciler.attempts import Attempt
from eightbells.reconciler.case import Case
from eightbells.reconciler.containers import is_running, status_of
from eightbells.reconciler.graces import DYING
from eightbells.reconciler.snapshot import Sighting
from eightbells.reconciler.times import later
from eightbells.reconciler.verdict import SUCCESSES
from eightbells.reconciler.worker.record import Record, is_run


def untold(attempts: tuple[Attempt, ...], case: Case, record: Record | None) -> tuple[Attempt, ...]:
    """Return the attempts whose end nobody has told, in the order in which their pods were made."""
    newest = case.pods[-1].pod.uid if case.pods else ""
    pods = {one.pod.uid: one for one in case.pods}
    found = []
    for one in (one for one in attempts if is_run(one.run)):
        uid, _, restart = one.run.rpartition(".")
        is_newest = uid == newest and int(restart) >= (status_of(pods[uid].pod, case.main).restart_count or 0)
        is_success = one.finding.code in SUCCESSES and case.is_single
        if is_newest and (is_success or not case.may_be_followed(pods[uid])):
            continue
        if not (record and record.is_over(one.run)) and (not is_newest or _is_dead(case, pods[uid])):
            found.append(one)
    return tuple(found)


def _is_dead(case: Case, sighting: Sighting) -> bool:
    """Whether its main runs no more; on a dead node it shows running for ever."""
    if sighting.gone_at or not is_running(sighting.pod, case.main):
        return True
    ends = sighting.pod.metadata.deletion_timestamp
    return ends is not None and case.now >= later(ends, DYING)
