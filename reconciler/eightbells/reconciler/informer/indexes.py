"""An index from a name to the UIDs that have it: nearly always one."""


class Index:
    """Not more than a string for a name; a tuple where there are several."""

    def __init__(self) -> None:
        self._uids: dict[str, str | tuple[str, ...]] = {}

    def get(self, name: str) -> tuple[str, ...]:
        """Return the UIDs of a name, in the order in which they came."""
        found = self._uids.get(name, ())
        return (found,) if isinstance(found, str) else found

    def set(self, name: str, uid: str) -> None:
        """Let this UID alone have the name."""
        self._uids[name] = uid

    def add(self, name: str, uid: str) -> None:
        """Let this UID have the name too."""
        self._put(name, (*(one for one in self.get(name) if one != uid), uid))

    def remove(self, name: str, uid: str) -> None:
        """Take the name from this UID, if it has it."""
        self._put(name, tuple(one for one in self.get(name) if one != uid))

    def _put(self, name: str, uids: tuple[str, ...]) -> None:
        if uids:
            self._uids[name] = uids[0] if len(uids) == 1 else uids
        else:
            self._uids.pop(name, None)

    def __len__(self) -> int:
        return len(self._uids)
