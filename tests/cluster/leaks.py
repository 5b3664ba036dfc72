"""What a cluster, or a run of tests that used it, has left behind on this machine. After its stop there is nothing."""

import time
from pathlib import Path

from tests.cluster.cgroups import find_cgroups
from tests.cluster.machine import MARK
from tests.cluster.network import has_interface
from tests.cluster.plan import ROOT
from tests.cluster.processes import Process, list_processes

SECONDS_TO_SETTLE = 10
"""A test's own processes may still be on their way out when the run ends."""


def find_leaks(name: str, bridge: str | None) -> list[str]:
    """Say in a line each what there is of the cluster of this name, and of what was started by it or in its run."""
    return [
        *(f"process {each.pid}: {' '.join(each.words())[:200]}" for each in find_processes(name)),
        *(f"mount {place}" for place in _find_mounts(ROOT / name)),
        *([f"bridge {bridge}"] if bridge and has_interface(bridge) else []),
        *([f"cgroup {place}" for place in find_cgroups(bridge)] if bridge else []),
        *(f"file {place}" for place in (ROOT / name, *ROOT.glob(f"{name}.*")) if place.exists()),
    ]


def wait_for_leaks(name: str, bridge: str | None) -> list[str]:
    """The same, once what is ending has ended."""
    end = time.monotonic() + SECONDS_TO_SETTLE
    while (found := find_leaks(name, bridge)) and time.monotonic() < end:
        time.sleep(0.05)
    return found


def find_processes(name: str) -> list[Process]:
    """All that were started by this cluster, by a test of its run or by a private cluster of one; but for us."""
    mark, ours = f"{MARK}={name}", Process.ours()
    return [
        each
        for each in list_processes()
        if each != ours and any(word == mark or word.startswith(f"{mark}.") for word in each.environment())
    ]


def _find_mounts(directory: Path) -> list[Path]:
    places = (Path(line.split()[1]) for line in Path("/proc/self/mounts").read_text().splitlines())
    return [place for place in places if place.is_relative_to(directory)]
