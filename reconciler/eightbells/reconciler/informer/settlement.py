"""Which Jobs are settled, by namespace. Their pods may be told of for a while after the Job is gone."""

from collections import deque
from collections.abc import Callable, Mapping, Set

from eightbells.reconciler.informer.settled import Settled

LEAVING_SECONDS = 900.0
"""After a Job is gone, until its UID is forgotten: its last pods have gone, too."""


class Settlement:
    """The cache holds its lock meanwhile."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._by_namespace: dict[str, Settled] = {}
        self._leaving: deque[tuple[float, str, str]] = deque()

    def add(self, namespace: str, uid: str) -> None:
        """Remember that a Job is settled."""
        self._by_namespace.setdefault(namespace, Settled()).add(uid)

    def holds(self, namespace: str, uid: str) -> bool:
        """Whether a Job of that namespace is settled."""
        found = self._by_namespace.get(namespace)
        return found is not None and uid in found

    def has(self, uid: str) -> bool:
        """Whether a Job of any namespace is."""
        return any(uid in one for one in self._by_namespace.values())

    def leave(self, namespace: str, uid: str) -> None:
        """Note that a Job is gone, and forget those that have been for long."""
        now = self._clock()
        if self.holds(namespace, uid):
            self._leaving.append((now, namespace, uid))
        while self._leaving and now - self._leaving[0][0] > LEAVING_SECONDS:
            _, where, gone = self._leaving.popleft()
            if where in self._by_namespace:
                self._by_namespace[where].discard(gone)

    def retain(self, scope: str, listed: Mapping[str, Set[str]]) -> None:
        """Take in a complete list of a scope: what is settled and not in it is gone."""
        leaving = {uid for _, _, uid in self._leaving}
        for namespace, settled in self._by_namespace.items():
            if scope in {"", namespace}:
                settled.retain((*listed.get(namespace, ()), *leaving))

    def clear(self) -> None:
        """Forget all."""
        self._by_namespace.clear()
        self._leaving.clear()

    def __len__(self) -> int:
        return sum(map(len, self._by_namespace.values()))
