"""One decision: classify, ask for what it rests on, classify again; and whether we saw a pending state long enough.

What is first seen at start-up must also be seen for a while: a registry may have healed a minute ago, and the kubelet
tries again only every five.
"""

from collections.abc import Callable
from datetime import datetime

from eightbells.events.codes import Code
from eightbells.reconciler.classify import classify
from eightbells.reconciler.graces import Graces
from eightbells.reconciler.snapshot import Snapshot
from eightbells.reconciler.times import later
from eightbells.reconciler.verdict import Asked, NotYet, Verdict

ROUNDS = 5
"""A decision may need each of four questions once."""

HOLD = 60.0
IMAGE_HOLD = 360.0
"""Seconds that a pending state must be seen by us: an image's for one full back-off of the kubelet."""

Ask = Callable[[Snapshot, tuple[Asked, ...]], Snapshot]


def decide(snapshot: Snapshot, now: datetime, graces: Graces, ask: Ask) -> tuple[Verdict | NotYet, Snapshot]:
    """Return what is to be said, and the snapshot that it rests on. Errors of `ask` pass."""
    for _ in range(ROUNDS):
        said = classify(snapshot, now, graces)
        if isinstance(said, Verdict) or not said.look:
            return said, snapshot
        snapshot = ask(snapshot, said.look)
    return classify(snapshot, now, graces), snapshot


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
