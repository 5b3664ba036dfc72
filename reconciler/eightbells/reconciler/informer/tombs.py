"""What is gone and still tells something: the oldest make room for the newest, and Jobs that have ended for nobody."""

from collections import OrderedDict
from collections.abc import Iterator

MOST = 10_000


class Tombs:
    """The UIDs of what is gone, Jobs and pods, oldest first; `dropped` counts those that had to make room."""

    def __init__(self, most: int = MOST) -> None:
        self.dropped = 0
        self._most = most
        self._uids: OrderedDict[str, None] = OrderedDict()

    def add(self, uid: str) -> None:
        """Remember that this one is gone."""
        self._uids[uid] = None

    def discard(self, uid: str) -> None:
        """Forget one: it is back, or nobody needs it."""
        self._uids.pop(uid, None)

    def overflow(self) -> Iterator[str]:
        """Yield, and forget, the oldest beyond the bound."""
        while len(self._uids) > self._most:
            self.dropped += 1
            yield self._uids.popitem(last=False)[0]

    def __len__(self) -> int:
        return len(self._uids)
