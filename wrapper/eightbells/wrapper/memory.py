"""The memory cgroup that we are in: how often the kernel killed in it, and how much of the limit is in use.

Its files are opened before we stop being dumpable, which closes /proc/self to us, and are built-in reading alone: the
command waits for it. Where there is no cgroup to be seen, nothing was killed and nothing is limited.
"""

from __future__ import annotations

import posix

ROOT = "/sys/fs/cgroup"
V1 = ("memory.oom_control", "memory.limit_in_bytes", "memory.usage_in_bytes")
V2 = ("memory.events", "memory.max", "memory.current")
"""Who counts the kills, the limit, the use."""

SCORE = "/proc/self/oom_score_adj"
WORST_SCORE = 1000
OWN_BYTES = 16 << 20
"""What the wrapper itself takes at most: so much later the kernel shall choose it than the command."""

NO_LIMIT = 1 << 60
"""A v1 limit beyond this is how the kernel says that there is none."""

MIB = 1 << 20


class Memory:
    """Memory as it was at the start, to be asked later. `limit` is bytes, 0 for none."""

    def __init__(self, directories: tuple[str, ...] = (), names: tuple[str, str, str] = V2) -> None:
        self._events = self._use = self._score = -1
        self.limit = 0
        for directory in directories:
            self._events = _open(f"{directory}/{names[0]}")
            if self._events >= 0:
                self.limit = parse_limit(_read(_open(f"{directory}/{names[1]}")))
                self._use = _open(f"{directory}/{names[2]}")
                break
        if self.limit:
            self._score = _open(SCORE, posix.O_RDWR)
        self._found_score = _read(self._score)
        self._found_kills = count_kills(_read(self._events))

    def raise_score(self) -> None:
        """Make what is started from now on a better choice for the kernel than us, by our share of the limit."""
        if self._found_score:
            self._set_score(b"%d" % raised_score(int(self._found_score), self.limit))

    def restore_score(self) -> None:
        """Be again what the runtime made us, which the kernel allows without any capability."""
        if self._found_score:
            self._set_score(self._found_score)

    def complaint(self) -> str:
        """Say that the kernel killed a process of the container since the start; '' where it did not."""
        kills = count_kills(_read(self._events)) - self._found_kills
        if kills <= 0:
            return ""
        limit = f"its limit is {in_mib(self.limit)} MiB" if self.limit else "it has no limit of its own"
        return f"out of memory: the kernel killed {kills} of the container's processes ({limit})"

    def describe_use(self) -> str | None:
        """Say how much is in use, page cache included, where there is a limit."""
        use = _read(self._use).strip()
        return f"uses {in_mib(int(use))} of {in_mib(self.limit)} MiB of memory" if self.limit and use else None

    def _set_score(self, score: bytes) -> None:
        try:
            posix.pwrite(self._score, score, 0)
        except OSError:
            pass  # the kernel chooses as it would without us


def find_memory() -> Memory:
    """Return the memory of the cgroup that this process is in."""
    return Memory(*find_directories(_read(_open("/proc/self/cgroup")).decode("utf-8", "surrogateescape")))


def find_directories(membership: str) -> tuple[tuple[str, ...], tuple[str, str, str]]:
    """Return where our cgroup may be, and its files' names, from what cgroups(7) has /proc/self/cgroup say.

    In a container the path may be the host's, and what is mounted the container's own cgroup.
    """
    unified: tuple[str, ...] = ()
    for line in membership.splitlines():
        _, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            return (f"{ROOT}/memory{path}", f"{ROOT}/memory"), V1
        if not controllers:
            unified = (f"{ROOT}{path}", ROOT)
    return unified, V2


def count_kills(events: bytes) -> int:
    """Return `oom_kill` of memory.events or memory.oom_control, where it is since Linux 4.13."""
    for line in events.splitlines():
        name, _, value = line.partition(b" ")
        if name == b"oom_kill":
            return int(value)
    return 0


def parse_limit(text: bytes) -> int:
    """Return the limit in bytes; 0 where there is none."""
    digits = text.strip()
    limit = int(digits) if digits.isdigit() else 0
    return limit if limit < NO_LIMIT else 0


def raised_score(found: int, limit: int) -> int:
    """Return the score of the command: the one that was found and our own share of the limit, never beyond 1000."""
    return min(WORST_SCORE, found + WORST_SCORE * OWN_BYTES // limit)


def in_mib(size: int) -> int:
    """Return the size in whole MiB, rounded up."""
    return -(-size // MIB)


def _open(path: str, how: int = posix.O_RDONLY) -> int:
    try:
        return posix.open(path, how | posix.O_CLOEXEC)
    except (OSError, ValueError):
        return -1


def _read(file: int) -> bytes:
    try:
        return posix.pread(file, 4096, 0)
    except OSError:
        return b""
