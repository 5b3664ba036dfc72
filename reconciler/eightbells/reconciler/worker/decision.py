"""One decision: classify, ask for what it rests on, classify again; and whether we saw a pending state long enough.

What is first seen at start-up must also be seen for a while: a registry may have healed a minute ago, and the kubelet
tries again only every five.
"""

from collections.abc import Callable
from datetime import datetime

from eightbells.events.codes import Code
from eightbells.reconciler.case import Case
from eightbells.reconciler.classify import classify
from eightbells.reconciler.containers import is_running, status_of
from eightbells.reconciler.graces import DYING, Graces
from eightbells.reconciler.snapshot import Sighting, Snapshot
from eightbells.reconciler.times import START, later
from eightbells.reconciler.verdict import Asked, NotYet, Verdict
from eightbells.reconciler.worker.record import Record

ROUNDS = 5
"""A decision may need each of four questions once."""

HOLD = 60.0
IMAGE_HOLD = 360.0
"""Seconds that a pending state must be seen by us: an image's for one full back-off of the kubelet."""

TAKEN_AWAY = frozenset({Code.CANCELLED, Code.JOB_DELETED})

ORPHANED = 30.0
"""Seconds after the deletion of its Job in which a pod is deleted too, if it is at all: on a busy cluster the garbage
collector takes more than five.
"""

Ask = Callable[[Snapshot, tuple[Asked, ...]], Snapshot]


def decide(snapshot: Snapshot, now: datetime, graces: Graces, ask: Ask) -> tuple[Verdict | NotYet, Snapshot]:
    """Return what is to be said, and the snapshot that it rests on. Errors of `ask` pass."""
    for _ in range(ROUNDS):
        said = classify(snapshot, now, graces)
        if isinstance(said, Verdict) or not said.look:
            return said, snapshot
        snapshot = ask(snapshot, said.look)
    return classify(snapshot, now, graces), snapshot


def await_last_word(said: Verdict | NotYet, case: Case, record: Record) -> Verdict | NotYet:
    """Return a verdict about a Job that was taken away only when its commands are dead, or had the time to die: they
    were told to stop, and exit code and output are worth those seconds. On a dead node main shows running for ever.
    A wrapper speaks before the kubelet says that it runs: then the record knows of a run that is not over.
    """
    if not isinstance(said, Verdict) or said.code not in TAKEN_AWAY:
        return said
    until = max((_dead_by(one, case) for one in case.pods if _is_alive(one, case, record)), default=START)
    if case.now >= until:
        return said
    why = f"{said.explanation.rstrip('.')}; its command is still dying."
    return NotYet(why=why, until=until, would_be=said.code, finding=said)


def _is_alive(sighting: Sighting, case: Case, record: Record) -> bool:
    if sighting.gone_at or status_of(sighting.pod, case.main).now.terminated:
        return False
    prefix = f"{sighting.pod.uid}."
    has_begun = any(not run.is_over and run.name.startswith(prefix) for run in record.runs)
    return has_begun or is_running(sighting.pod, case.main)


def _dead_by(sighting: Sighting, case: Case) -> datetime:
    """By when a command is dead, or its pod was left behind by its Job and nobody told it anything."""
    if sighting.pod.metadata.deletion_timestamp:
        return later(sighting.pod.metadata.deletion_timestamp, DYING)
    begun = (case.job.metadata.deletion_timestamp if case.job else None) or case.snapshot.job_gone_at
    return later(begun, ORPHANED) if begun else START


class Sights:
    """Since when we have seen each Job wait, on our own clock; it begins anew with this process."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def hold(self, key: str, said: Verdict | NotYet, graces: Graces, now: datetime, clock: float) -> Verdict | NotYet:
        """Return a verdict from a pending state only when it was seen for long enough, else when that will be."""
        found = said if isinstance(said, Verdict) else said.finding
        if found is None or found.since is None:
            return said
        since = self._since.setdefault(key, clock)
        if not isinstance(said, Verdict):
            return said
        left = since + hold_of(said.code, graces) - clock
        if left <= 0:
            return said
        why = f"{said.explanation.rstrip('.')}; that was first seen a short while ago."
        return NotYet(why=why, until=later(now, left), would_be=said.code, finding=said)

    def forget(self, key: str) -> None:
        """Forget a Job."""
        self._since.pop(key, None)


def hold_of(code: Code, graces: Graces) -> float:
    """Return for how many seconds we must have seen a pending state ourselves."""
    return min(graces.of(code), IMAGE_HOLD if code.value.startswith("image_") else HOLD)
