"""What happened to the informer, in numbers, for whoever makes metrics of them."""

import threading
from collections import Counter

from eightbells.reconciler.informer.cache import Sizes
from msgspec import Struct


class Figures(Struct, frozen=True):
    """`watch_age`: seconds since the oldest view was fresh. `relists` are by cause."""

    watch_age: float
    relists: dict[str, int]
    decode_errors: int
    sizes: Sizes


class Tally:
    """Threads share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._relists: Counter[str] = Counter()
        self._decode_errors = 0

    def relisted(self, cause: str) -> None:
        """Count a list, by why there had to be one."""
        with self._lock:
            self._relists[cause] += 1

    def failed_to_decode(self) -> None:
        """Count an object, or a line, that could not be decoded."""
        with self._lock:
            self._decode_errors += 1

    def figures(self, watch_age: float, sizes: Sizes) -> Figures:
        """Return everything."""
        with self._lock:
            return Figures(watch_age, dict(self._relists), self._decode_errors, sizes)
