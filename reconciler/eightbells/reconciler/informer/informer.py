"""Jobs and pods of a cluster, always in view: listed once, then watched, in two threads a scope that only decode and
put. They call `on_change` with the UID of each Job for which something has changed; what it does must be quick.

Nothing is announced before Jobs and pods of a scope have both been listed; then everything is. With `poll` nothing is
watched: the same list and the same difference, at an interval.
"""

import threading
from collections.abc import Callable, Iterable

from eightbells.reconciler.informer.cache import Cache
from eightbells.reconciler.informer.connection import Connection
from eightbells.reconciler.informer.errors import ClusterError
from eightbells.reconciler.informer.feed import Feed, Shared
from eightbells.reconciler.informer.pace import Timings
from eightbells.reconciler.informer.tally import Figures, Tally
from eightbells.reconciler.snapshot import Freshness

STOP_SECONDS = 5.0
"""A stream ends at once; a request for a page that hangs is not waited for."""


class Informer:
    """Started once, stopped once. `scopes` are namespaces; without any it is the whole cluster. `poll` is seconds."""

    def __init__(
        self,
        connection: Connection,
        cache: Cache,
        scopes: Iterable[str],
        on_change: Callable[[str], None],
        *,
        poll: float | None = None,
        timings: Timings | None = None,
    ) -> None:
        self._cache = cache
        self._on_change = on_change
        self._poll = poll
        self._tally = Tally()
        self._over = threading.Event()
        self._asked = threading.Event()
        shared = Shared(connection, cache, self._tally, timings or Timings(), self._over, self._announce)
        names = tuple(dict.fromkeys(scopes)) or ("",)
        self._pairs = [(Feed("jobs", name, shared), Feed("pods", name, shared)) for name in names]
        self._threads: list[threading.Thread] = []
        if poll is not None:
            cache.views.silence = 2 * poll

    def start(self) -> None:
        """Begin; returns at once."""
        for jobs, pods in self._pairs:
            if self._poll is not None:
                self._threads.append(threading.Thread(target=self._list_at_intervals, args=(jobs, pods, self._poll)))
                continue
            self._threads.append(threading.Thread(target=jobs.run))
            self._threads.append(threading.Thread(target=pods.run, args=(jobs,)))
        if self._poll is None:
            self._threads.append(threading.Thread(target=self._cut_overdue))
        for thread in self._threads:
            thread.name, thread.daemon = "informer", True
            thread.start()

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """End: streams are cut, and nobody is called any more once this has returned, unless a request hangs."""
        self._over.set()
        self._asked.set()
        for feed in self._feeds():
            feed.wake()
        for thread in self._threads:
            thread.join(seconds)

    @property
    def is_synced(self) -> bool:
        """Whether everything has been listed once."""
        return self._cache.views.is_synced

    @property
    def is_alive(self) -> bool:
        """Whether all threads run."""
        return bool(self._threads) and all(thread.is_alive() for thread in self._threads)

    def relist(self) -> None:
        """List everything again, Jobs first; returns at once."""
        self._asked.set()
        for feed in self._feeds():
            feed.ask_for_list()

    def freshness(self, namespace: str | None = None) -> Freshness:
        """Return how fresh the view of a namespace is; without one, that of the oldest."""
        return self._cache.views.freshness(namespace)

    def figures(self) -> Figures:
        """Return what has happened so far, in numbers."""
        return self._tally.figures(self._cache.views.age(), self._cache.sizes())

    def _feeds(self) -> Iterable[Feed]:
        return (feed for pair in self._pairs for feed in pair)

    def _announce(self, scope: str, uids: Iterable[str]) -> None:
        if uids and self._cache.views.is_listed(scope):
            for uid in uids:
                self._on_change(uid)

    def _list_at_intervals(self, jobs: Feed, pods: Feed, seconds: float) -> None:
        clock = self._cache.clock
        while not self._over.is_set():
            begun = clock.monotonic()
            if _list_one(jobs) and _list_one(pods):
                self._asked.wait(max(0.0, begun + seconds - clock.monotonic()))
                self._asked.clear()

    def _cut_overdue(self) -> None:
        while not self._over.wait(1.0):
            for feed in self._feeds():
                feed.cut_overdue()


def _list_one(feed: Feed) -> bool:
    try:
        feed.list_all()
    except ClusterError as error:
        feed.suffer(error)
        return False
    feed.went_well()
    return True
