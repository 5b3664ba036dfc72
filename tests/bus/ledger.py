"""What the bus has promised in a history, counted apart from both the bus and the model of it.

A dispatch whose record is lost, because its age passed or the server lost it, begins anew under the same name.
"""

from collections import Counter
from collections.abc import Iterable

Entry = tuple[int, int]


class Ledger:
    def __init__(self) -> None:
        self._lives: Counter[str] = Counter()
        self._accepted: Counter[tuple[str, int]] = Counter()
        self._settled: Counter[tuple[str, str, int]] = Counter()
        self._owed: set[tuple[str, str]] = set()
        self._fences: dict[tuple[str, str], int] = {}
        self._told: dict[tuple[str, str, int], Entry] = {}

    def accept(self, dispatch: str, groups: Iterable[str]) -> None:
        self._accepted[dispatch, self._lives[dispatch]] += 1
        self._owed |= {(group, dispatch) for group in groups}

    def owe(self, group: str, dispatch: str) -> None:
        self._owed.add((group, dispatch))

    def lease(self, group: str, dispatch: str, fence: int) -> None:
        assert (group, dispatch) not in self._settled_now(), "a settled ending was given again"
        assert fence > self._fences.get((group, dispatch), 0), "a fence did not rise"
        self._fences[group, dispatch] = fence

    def tell(self, group: str, dispatch: str, entry: Entry) -> None:
        """Progress, each at most once and in order."""
        life = group, dispatch, self._lives[dispatch]
        assert entry > self._told.get(life, (0, 0)), "progress was told again"
        self._told[life] = entry

    def settle(self, group: str, dispatch: str) -> None:
        self._settled[group, dispatch, self._lives[dispatch]] += 1
        self._owed.discard((group, dispatch))

    def forgive(self, group: str, dispatch: str) -> None:
        self._owed.discard((group, dispatch))

    def forgive_group(self, group: str) -> None:
        self._owed = {one for one in self._owed if one[0] != group}

    def lose(self, dispatch: str) -> None:
        self._lives[dispatch] += 1
        self._owed = {one for one in self._owed if one[1] != dispatch}

    def lose_all(self) -> None:
        for dispatch in list(self._lives | Counter(name for name, _ in self._accepted)):
            self._lives[dispatch] += 1
        self._owed.clear()

    def owed_to(self, group: str) -> set[str]:
        return {dispatch for name, dispatch in self._owed if name == group}

    def check(self) -> None:
        assert set(self._accepted.values()) <= {1}, "a dispatch was ended twice"
        assert set(self._settled.values()) <= {1}, "a group settled an ending twice"

    def _settled_now(self) -> set[tuple[str, str]]:
        return {(group, name) for group, name, life in self._settled if life == self._lives[name]}
