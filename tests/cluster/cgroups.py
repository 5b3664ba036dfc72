"""The cgroups of a cluster, in every hierarchy there is, of version 1 or 2."""

from collections.abc import Iterator
from pathlib import Path

from tests.waiting import wait_until

ROOT = Path("/sys/fs/cgroup")


def find_cgroups(name: str) -> list[Path]:
    """Those directly below a root whose path there matches, in every hierarchy; links are followed to none."""
    return sorted({place for root in _roots() for place in root.glob(name)})


def make_cgroup(name: str) -> None:
    """Make it in every hierarchy, fit for processes: a cpuset of version 1 needs what its parent has."""
    for root in _roots():
        place = root
        for part in Path(name).parts:
            parent, place = place, place / part
            place.mkdir(exist_ok=True)
            _pass_on_controllers(parent)
            for file in ("cpuset.cpus", "cpuset.mems"):
                if (place / file).exists() and not (place / file).read_text().strip():
                    (place / file).write_text((parent / file).read_text())


def remove_cgroup(name: str) -> None:
    """Remove it with all below it. Its processes must be ending."""
    for place in find_cgroups(name):
        for each in sorted((path for path in place.rglob("*") if path.is_dir()), reverse=True):
            _remove(each)
        _remove(place)


def _pass_on_controllers(place: Path) -> None:
    """Version 2 gives those below a cgroup only what it says; version 1 has no such file."""
    if (place / "cgroup.controllers").exists():
        for controller in (place / "cgroup.controllers").read_text().split():
            (place / "cgroup.subtree_control").write_text(f"+{controller}")


def _remove(place: Path) -> None:
    wait_until(lambda: not (place / "cgroup.procs").read_text(), f"everybody has left {place}")
    place.rmdir()


def _roots() -> Iterator[Path]:
    """Version 2 is mounted at the root itself; of version 1, each controller in a directory of its own."""
    if (ROOT / "cgroup.procs").exists():
        yield ROOT
        return
    yield from (place for place in ROOT.iterdir() if not place.is_symlink() and (place / "cgroup.procs").exists())
