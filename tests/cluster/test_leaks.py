"""What was left behind is found: each kind of thing, and by whose run."""

import os
import subprocess
import uuid
from collections.abc import Iterator

import pytest

from tests.cluster.cgroups import find_cgroups, make_cgroup, remove_cgroup
from tests.cluster.leaks import find_leaks
from tests.cluster.machine import MARK
from tests.cluster.network import run_ip
from tests.cluster.plan import ROOT

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="what leaks is made by root: run as root")


@pytest.fixture
def name() -> str:
    """A run that nobody has begun."""
    return f"leak-{uuid.uuid4().hex[:6]}"


@pytest.fixture(params=["{}", "{}.private"])
def sleeping(request: pytest.FixtureRequest, name: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that a test has started and left, or one of a cluster inside the run."""
    environment = {**os.environ, MARK: request.param.format(name)}
    with subprocess.Popen(["sleep", "1000"], env=environment) as process:
        yield process
        process.kill()


def test_a_process_is_found_by_its_run(name: str, sleeping: subprocess.Popen[bytes]) -> None:
    """And not by another run, though its name begins alike."""
    assert find_leaks(name, None) == [f"process {sleeping.pid}: sleep 1000"]
    assert find_leaks(name[:-1], None) == []


def test_files_and_mounts_are_found(name: str) -> None:
    """The directory of a cluster, and what is mounted below it."""
    directory = ROOT / name
    directory.mkdir(parents=True)
    try:
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", directory], check=True)
        assert find_leaks(name, None) == [f"mount {directory}", f"file {directory}"]
        subprocess.run(["umount", directory], check=True)
        assert find_leaks(name, None) == [f"file {directory}"]
    finally:
        directory.rmdir()
        if not any(ROOT.iterdir()):
            ROOT.rmdir()
    assert find_leaks(name, None) == []


def test_a_bridge_and_cgroups_are_found(name: str) -> None:
    """By the name that they share, which is the bridge's."""
    bridge = f"eightbells-{name[-4:]}"
    assert run_ip("link", "add", "name", bridge, "type", "bridge").returncode == 0
    make_cgroup(f"{bridge}/node")
    try:
        places = [f"cgroup {place}" for place in find_cgroups(bridge)]
        assert places
        assert find_leaks(name, bridge) == [f"bridge {bridge}", *places]
    finally:
        remove_cgroup(bridge)
        run_ip("link", "delete", bridge)
    assert find_leaks(name, bridge) == []
