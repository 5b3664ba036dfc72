"""The cgroups of a cluster, in every hierarchy there is, of version 1 or 2."""

from collections.abc import Iterator
from pathlib import Path

from tests.waiting import wait_until

ROOT = Path("/sys/fs/cgroup")


def find_cgroups(name: str) -> list[Path]:
    """Those directly below a root whose path there matches, in every hierarchy; links are followed to none."""
    return sorted({place for root in _roots() for place in root.glob(name)})


def remove_cgroup(name: str) -> None:
    """Remove it with all below it. Its processes must be ending."""
    for place in find_cgroups(name):
        for each in sorted((path for path in place.rglob("*") if path.is_dir()), reverse=True):
            _remove(each)
        _remove(place)


def _remove(place: Path) -> None:
    wait_until(lambda: not (place / "cgroup.procs").read_text(), f"everybody has left {place}")
    place.rmdir()


def _roots() -> Iterator[Path]:
    """Version 2 is mounted at the root itself; of version 1, each controller in a directory of its own."""
    if (ROOT / "cgroup.procs").exists():
        yield ROOT
        return
    yield from (place for place in ROOT.iterdir() if not place.is_symlink() and (place / "cgroup.procs").exists())
