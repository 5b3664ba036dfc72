"""The wrapper and the reconciler side by side, through the dispatcher: one ending, with the best of both."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from eightbells.dispatcher import Resources
from kubernetes import client

from tests.e2e.reconciling import Yard, open_yard
from tests.e2e.site import SECONDS, Site, tail_of
from tests.e2e.test_killed import find_container, kill_whole, read_termination_log
from tests.waiting import wait_until

TRAP = "trap 'echo told; exit {}' TERM; echo working; while :; do sleep 0.1; done"


@pytest.fixture
def yard(site: Site, tmp_path: Path) -> Iterator[Yard]:
    """A reconciler beside the site's dispatcher, on its bus."""
    with open_yard(site.cluster, site.namespace, site.server.url, tmp_path) as yard:
        yard.reconcile().wait_until_watching()
        yield yard


@pytest.mark.parametrize(("exit_code", "code"), [(3, "drained"), (0, "exited_zero")])
def test_a_drained_command_has_its_output_and_who_told_it(site: Site, yard: Yard, exit_code: int, code: str) -> None:
    """Its wrapper says how it ended, the reconciler why: free of charge; one that leaves with 0 has succeeded."""
    dispatch = site.submit("sh", "-c", TRAP.format(exit_code))
    site.wait_for(dispatch, "running")
    pod = site.pod(dispatch).metadata.name
    body = client.V1Eviction(metadata=client.V1ObjectMeta(name=pod, namespace=site.namespace))
    site.cluster.core.create_namespaced_pod_eviction(pod, site.namespace, body)
    data = yard.ending(dispatch)
    assert (data.code, data.reporter, data.exit_code) == (code, "reconciler", exit_code)
    assert data.charged is (False if exit_code else None)
    assert data.terminated_by == "SIGTERM"
    assert tail_of(data.stdout) == "working\ntold\n"
    assert yard.conflicts(dispatch) == 0


def test_what_kills_the_wrapper_too_is_told_with_the_output_so_far(site: Site, yard: Yard) -> None:
    """Every process at once: the provisional record has the tail, Kubernetes the code."""
    dispatch = site.submit("sh", "-c", "echo working; exec sleep 1000", resources=Resources(cpu="10m", memory="64Mi"))
    site.wait_for(dispatch, "running")
    pod = site.pod(dispatch)
    container = wait_until(lambda: find_container(site, dispatch), "the container has an id", within=SECONDS)
    assert container
    wait_until(lambda: "working" in read_termination_log(site, pod), "the record has the output", within=SECONDS)
    kill_whole(container)
    data = yard.ending(dispatch)
    assert (data.code, data.exit_code, data.via) == ("killed_137", 137, "termination-message")
    assert tail_of(data.stdout) == "working\n"


def test_what_the_wrapper_ends_is_left_to_it(site: Site, yard: Yard) -> None:
    """An ordinary end is the wrapper's word alone, without a conflict."""
    data = yard.ending(dispatch := site.submit("sh", "-c", "echo did it; exit 7"))
    assert (data.code, data.exit_code, data.reporter) == ("exit_nonzero", 7, "wrapper")
    wait_until(lambda: site.pod(dispatch).status.phase == "Failed", "the pod has failed", within=SECONDS, pause=0.2)
    assert yard.conflicts(dispatch) == 0


def test_a_cancelled_dispatch_has_one_ending(site: Site, yard: Yard) -> None:
    """Canceller, wrapper and reconciler all see it, and whoever speaks has the command's last word."""
    dispatch = site.submit("sh", "-c", TRAP.format(3))
    site.wait_for(dispatch, "running")
    assert site.dispatcher.cancel(dispatch).status == "cancelled"
    data = yard.ending(dispatch)
    assert (data.code, data.exit_code) == ("cancelled", 3)
    assert tail_of(data.stdout) == "working\ntold\n"


def test_an_image_that_is_not_there_ends_by_the_start_timeout(site: Site, yard: Yard) -> None:
    """The dispatch says how long it may take to start; nothing ever reports."""
    dispatch = site.submit("true", image="registry.invalid/none:1", start_timeout=5)
    data = yard.ending(dispatch)
    assert (data.fault, data.charged, data.may_still_start) == ("dependency", False, True)
    assert data.code == "image_registry_unavailable"
