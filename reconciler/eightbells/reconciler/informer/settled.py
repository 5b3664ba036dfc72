"""The UIDs of the Jobs whose dispatch has ended: all that is kept of them, so that a list does not announce them again.

Sixteen bytes each, in a few long strings instead of many short ones.
"""

from collections.abc import Iterable
from hashlib import blake2b

SIZE = 16
BUCKETS = 64


class Settled:
    """A set that can be asked and not listed."""

    def __init__(self) -> None:
        self._buckets = [b""] * BUCKETS

    def add(self, uid: str) -> None:
        """Remember a UID."""
        digest = _digest(uid)
        if not self._has(digest):
            self._buckets[digest[0] % BUCKETS] += digest

    def discard(self, uid: str) -> None:
        """Forget a UID."""
        digest = _digest(uid)
        bucket = self._buckets[digest[0] % BUCKETS]
        at = _find(bucket, digest)
        if at >= 0:
            self._buckets[digest[0] % BUCKETS] = bucket[:at] + bucket[at + SIZE :]

    def retain(self, uids: Iterable[str]) -> None:
        """Forget all but these."""
        kept = Settled()
        for uid in uids:
            if uid in self:
                kept.add(uid)
        self._buckets = kept._buckets

    def __contains__(self, uid: str) -> bool:
        return self._has(_digest(uid))

    def __len__(self) -> int:
        return sum(map(len, self._buckets)) // SIZE

    def _has(self, digest: bytes) -> bool:
        return _find(self._buckets[digest[0] % BUCKETS], digest) >= 0


def _digest(uid: str) -> bytes:
    return blake2b(uid.encode("utf-8", "surrogatepass"), digest_size=SIZE).digest()


def _find(bucket: bytes, digest: bytes) -> int:
    at = bucket.find(digest)
    while at >= 0 and at % SIZE:  # the end of one and the beginning of the next
        at = bucket.find(digest, at + 1)
    return at
