"""A post whose loop runs, in a thread."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from eightbells.reconciler.worker.reconciler import Reconciler

from tests.reconciler.worker.post import Post


class Watched:
    """The view of a post, as the loop asks for it."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self.is_alive = True

    @property
    def is_synced(self) -> bool:
        return self._post.cache.views.is_synced


def make_reconciler(post: Post, watched: Watched | None = None) -> Reconciler:
    """Its loop; nothing runs yet."""
    parts: Any = (watched or Watched(post), post.worker, post.sweeper, post.continuity, post.agenda)
    told: dict[str, Any] = {"options": post.options, "metrics": post.metrics, "clock": post.time.clock.monotonic}
    return Reconciler(*parts, **told)


@contextmanager
def running(post: Post) -> Iterator[Reconciler]:
    """Let the loop run, and stop it at the end."""
    reconciler = make_reconciler(post)
    thread = threading.Thread(target=reconciler.run)
    thread.start()
    try:
        yield reconciler
    finally:
        reconciler.stop()
        thread.join()
