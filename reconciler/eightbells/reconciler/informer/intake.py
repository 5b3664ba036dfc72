"""One object as it came, into the cache: decoded only where it can still matter, and never an error.

What cannot be decoded is counted and named once; the cache then keeps the last sight that could.
"""

import logging

from eightbells.reconciler.informer.cache import Cache
from eightbells.reconciler.informer.tally import Tally
from eightbells.reconciler.informer.views import Kind
from eightbells.reconciler.informer.wire import BROKEN, HEADS, JOBS, PODS, Head

_log = logging.getLogger(__name__)

NAMED = 1000
"""How many broken objects are remembered to have been named, before they may be named again."""


class Intake:
    """Of one resource; its own thread alone uses it."""

    def __init__(self, kind: Kind, cache: Cache, tally: Tally) -> None:
        self._kind = kind
        self._cache = cache
        self._tally = tally
        self._named: set[str] = set()

    def take(self, raw: bytes, *, is_gone: bool = False) -> tuple[Head, list[str]]:
        """Return which object it is, and the UIDs of the Jobs for which something has changed."""
        try:
            head = HEADS.decode(raw)
        except BROKEN as error:
            self._complain(Head(), error)
            return Head(), []
        if not head.uid:
            self._complain(head, ValueError("it has no UID"))
            return head, []
        changed = self._put(head, raw, is_gone=is_gone)
        if is_gone and self._kind == "jobs":
            changed += self._cache.remove_job(head.namespace, head.uid)
        elif is_gone:
            changed += self._cache.remove_pod(head.uid)
        return head, list(dict.fromkeys(changed))

    def _put(self, head: Head, raw: bytes, *, is_gone: bool) -> list[str]:
        if not self._cache.wants(head.namespace, head.uid if self._kind == "jobs" else head.owner):
            return []
        try:
            if self._kind == "jobs":
                return self._cache.put_job(JOBS.decode(raw), is_gone=is_gone)
            return self._cache.put_pod(PODS.decode(raw), is_gone=is_gone)
        except BROKEN as error:
            self._complain(head, error)
            return []

    def _complain(self, head: Head, error: Exception) -> None:
        self._tally.failed_to_decode()
        name = f"{head.namespace}/{head.metadata.name or '?'}"
        if name in self._named:
            return
        if len(self._named) >= NAMED:
            self._named.clear()
        self._named.add(name)
        fields = {"resource": self._kind, "object": name, "error": str(error)}
        _log.warning("an object of the cluster cannot be decoded, and its last sight stands", extra=fields)
