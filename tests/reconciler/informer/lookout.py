"""An informer at work on a stage, and what it announced: whoever was called for, and what ended, as often as it did."""

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from eightbells.reconciler.informer.cache import Cache
from eightbells.reconciler.informer.connection import Connection
from eightbells.reconciler.informer.informer import Informer
from eightbells.reconciler.informer.pace import Timings
from eightbells.reconciler.objects import Job, Pod

from tests.reconciler.informer.stage import Stage
from tests.waiting import wait_until

STEADY = Timings(gap=0.02, ceiling=0.1)
FAST = Timings(gap=0.02, ceiling=0.1, silence=1.0, overdue=1.0)
"""Takes a silent stream for dead after a second; on a busy machine also one that is not."""


class Lookout:
    """`called` counts the calls for each Job; `ended` how often each object was announced to be gone."""

    def __init__(self, connection: Connection, scopes: Iterable[str] = (), **options: Any) -> None:
        self.cache = Cache(connection.clock)
        self.informer = Informer(connection, self.cache, scopes, self._changed, **{"timings": STEADY, **options})
        self.called: Counter[str] = Counter()
        self.ended: Counter[str] = Counter()
        self._gone: set[str] = set()
        self._lock = threading.Lock()

    def _changed(self, uid: str) -> None:
        with self._lock:
            self.called[uid] += 1
            found = self.cache.snapshot(uid)
            states = {one.pod.uid: one.gone_at is not None for one in found.pods}
            if found.job:
                states[uid] = found.job_gone_at is not None
            for one, is_gone in states.items():
                if is_gone and one not in self._gone:
                    self.ended[one] += 1
            self._gone -= {one for one, is_gone in states.items() if not is_gone}
            self._gone |= {one for one, is_gone in states.items() if is_gone}

    def living(self) -> dict[str, Job | Pod]:
        """What the cache says is there."""
        found: dict[str, Job | Pod] = {}
        for uid in self.cache.uids():
            snapshot = self.cache.snapshot(uid)
            if snapshot.job and not snapshot.job_gone_at:
                found[uid] = snapshot.job
            found |= {one.pod.uid: one.pod for one in snapshot.pods if not one.gone_at}
        return found

    def wait_until_same(self, stage: Stage) -> None:
        """Wait until the cache is what a fresh list would say."""
        wait_until(lambda: self.living() == there(stage), "the cache equals a fresh list")

    def mark(self, stage: Stage, kind: str) -> None:
        """Send a bookmark, and wait until it has come."""
        view = self.cache.views.open("jobs" if kind == "jobs" else "pods", "")
        before = view.at
        stage.bookmark(kind)
        wait_until(lambda: view.at != before, "the bookmark has come")

    def relists(self, cause: str) -> int:
        """How often there was a list for this cause."""
        return self.informer.figures().relists.get(cause, 0)


def there(stage: Stage) -> dict[str, Job | Pod]:
    """What is on the stage."""
    with stage.changed:
        jobs = {uid: msgspec.convert(one, Job) for uid, one in stage.objects["jobs"].items()}
        return {**jobs, **{uid: msgspec.convert(one, Pod) for uid, one in stage.objects["pods"].items()}}


@contextmanager
def looking(stage: Stage, directory: Path, scopes: Iterable[str] = (), **options: Any) -> Iterator[Lookout]:
    """An informer that has seen everything that is there; nothing of it is left at the end."""
    connection = stage.connect(directory)
    lookout = Lookout(connection, scopes, **options)
    lookout.informer.start()
    try:
        wait_until(lambda: lookout.informer.is_synced, "everything is listed")
        if "poll" not in options:
            wait_until(lambda: stage.count("jobs", "watch") and stage.count("pods", "watch"), "both are watched")
        yield lookout
    finally:
        lookout.informer.stop()
        connection.close()
        assert not any(thread.name == "informer" for thread in threading.enumerate())
