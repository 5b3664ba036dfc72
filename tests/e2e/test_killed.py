"""What is left where the kernel kills, or where nobody takes the report."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.site import SECONDS, Site, open_site, tail_of
from tests.e2e.test_attempts import read_log
from tests.waiting import wait_until

HOG = "echo loading; exec tail /dev/zero"
LIMIT = {"memory": "64Mi", "cpu": "10m"}


def test_out_of_memory_beside_the_wrapper_is_told_by_it(site: Site) -> None:
    """Where the kernel kills one process (cgroup v1), the ending has the code, 137 and the output's tail."""
    dispatch = site.submit("sh", "-c", HOG, resources=LIMIT)
    exit_code, record = site.termination(dispatch)
    assert exit_code == 137
    if record["state"] == "running":
        pytest.skip("the kernel kills the whole container here (cgroup v2): the next test has that case")
    data = site.ending(dispatch)
    assert (data.state, data.code, data.fault, data.exit_code) == ("failed", "oom_killed", "resource", 137)
    assert data.retryable == "more_memory"
    assert tail_of(data.stdout) == "loading\n"


def test_out_of_memory_beside_a_command_that_goes_on_is_a_warning(site: Site) -> None:
    """The command's own exit code stands."""
    data = site.run("tail /dev/zero; echo went on; exit 0", resources=LIMIT)
    assert (data.code, data.exit_code, tail_of(data.stdout)) == ("exited_zero", 0, "went on\n")
    assert any("memory" in warning for warning in data.warnings), data.warnings


def test_a_container_killed_whole_leaves_its_provisional_record(site: Site) -> None:
    """Every process at once, as the kernel does it on cgroup v2: the termination message still has the tail."""
    dispatch = site.submit("sh", "-c", "echo working; exec sleep 1000")
    site.wait_for(dispatch, "running")
    pod = site.pod(dispatch)
    wait_until(lambda: "working" in read_log(site, pod), "it works", within=SECONDS)
    container = wait_until(lambda: find_container(site, dispatch), "the container has an id", within=SECONDS)
    assert container
    wait_until(lambda: "working" in read_termination_log(site, pod), "the record has the output", within=SECONDS)
    kill_whole(container)
    exit_code, record = site.termination(dispatch)
    assert exit_code == 137
    assert (record["dispatch_id"], record["state"]) == (dispatch, "running")
    assert record["stdout"]["tail"] == "working\n"
    assert site.endings(dispatch) == []
    assert site.get(dispatch).state == "running"


def find_container(site: Site, dispatch: str) -> str | None:
    statuses = site.pod(dispatch).status.container_statuses or []
    return next((one.container_id.rpartition("/")[2] for one in statuses if one.container_id), None)


def read_termination_log(site: Site, pod: Any) -> str:
    """As the kubelet keeps it, on the node."""
    found = [*Path(site.cluster.directory).glob(f"**/pods/{pod.metadata.uid}/containers/main/*")]
    return "".join(one.read_text() for one in found)


def kill_whole(container: str) -> None:
    """Stop all processes of the container's cgroup first, so that none sees another die."""
    (cgroup, *_) = Path("/sys/fs/cgroup").glob(f"**/{container}/cgroup.procs")
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in cgroup.read_text().split():
            with suppress(ProcessLookupError):  # the first process takes the others with it
                os.kill(int(pid), number)


@pytest.fixture
def cut_site(site: Site) -> Iterator[Site]:
    """A site whose pods are told of a server that is not there."""
    cluster = site.cluster
    with (
        cluster.namespace() as namespace,
        open_site(cluster, namespace, site.images, publish_timeout=1.0) as cut,
    ):
        nowhere = cut.pod_url.replace(f":{cut.server.port}/", ":1/")
        cluster.core.patch_namespaced_secret("eightbells-bus", namespace, {"stringData": {"url": nowhere}})
        yield cut


@pytest.mark.parametrize("code", [0, 7])
def test_an_unreachable_bus_changes_nothing_for_the_command(cut_site: Site, code: int) -> None:
    """The exit code is the command's, and the ending is in the pod's termination message."""
    dispatch = cut_site.submit("sh", "-c", f"echo did it; exit {code}")
    exit_code, record = cut_site.termination(dispatch)
    assert exit_code == code
    assert record["dispatch_id"] == dispatch
    assert record["state"] == ("failed" if code else "completed")
    assert record["exit_code"] == code
    assert record["stdout"]["tail"] == "did it\n"
    assert cut_site.events(dispatch) == []
    assert cut_site.get(dispatch).state == "registered"
