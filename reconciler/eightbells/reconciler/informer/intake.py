"""One object as it came, into the cache: decoded only where it can still matter, and never an error.

What cannot be decoded is counted and named once; the cache then keeps the last sight that could.
"""

import logging

from eightbells.reconciler.informer.cache import Cache
from eightbells.reconciler.informer.tally import Tally
from eightbells.reconciler.informer.views import Kind
from eightbells.reconciler.informer.wire import BROKEN, HEADS, JOBS, PODS, HeadMetadata, WireJob, WireMetadata
from msgspec import Struct
from msgspec.structs import replace

_log = logging.getLogger(__name__)

NAMED = 1000
"""How many broken objects are remembered to have been named, before they may be named again."""


class Taken(Struct, frozen=True):
    """Which object it was, in which version, and the UIDs of the Jobs for which something has changed."""

    namespace: str = ""
    uid: str = ""
    version: str | None = None
    changed: list[str] = []


class Intake:
    """Of one resource; its own thread alone uses it."""

    def __init__(self, kind: Kind, cache: Cache, tally: Tally) -> None:
        self._kind = kind
        self._cache = cache
        self._tally = tally
        self._named: set[str] = set()

    def take(self, raw: bytes, *, is_gone: bool = False) -> Taken:
        """Take in an object, and that it `is_gone` where it is."""
        changed: list[str] = []
        found: HeadMetadata | WireMetadata
        try:
            found, changed = self._put(raw, is_gone=is_gone)
        except BROKEN as error:
            found = self._complain(raw, error)
        namespace, uid = found.namespace or "", found.uid or ""
        if is_gone and uid:
            changed += self._remove(namespace, uid)
            changed = list(dict.fromkeys(changed))
        return Taken(namespace, uid, found.resource_version, changed)

    def _put(self, raw: bytes, *, is_gone: bool) -> tuple[WireMetadata, list[str]]:
        found = (JOBS if self._kind == "jobs" else PODS).decode(raw)
        if not found.uid:
            raise ValueError("it has no UID")
        # A new version alone is no change.
        plain = replace(found, metadata=replace(found.metadata, resource_version=None))
        if isinstance(plain, WireJob):
            return found.metadata, self._cache.put_job(plain, is_gone=is_gone)
        return found.metadata, self._cache.put_pod(plain, is_gone=is_gone)

    def _remove(self, namespace: str, uid: str) -> list[str]:
        if self._kind == "jobs":
            return self._cache.remove_job(namespace, uid)
        return self._cache.remove_pod(uid)

    def _complain(self, raw: bytes, error: Exception) -> HeadMetadata:
        """Count and name it, as far as it says who it is."""
        try:
            found = HEADS.decode(raw).metadata
        except BROKEN:
            found = HeadMetadata()
        self._tally.failed_to_decode()
        name = f"{found.namespace or ''}/{found.name or '?'}"
        if name in self._named:
            return found
        if len(self._named) >= NAMED:
            self._named.clear()
        self._named.add(name)
        fields = {"action": "undecodable", "resource": self._kind, "object": name, "error": str(error)}
        _log.warning("an object of the cluster cannot be decoded, and its last sight stands", extra=fields)
        return found
