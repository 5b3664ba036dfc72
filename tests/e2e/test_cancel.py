"""A dispatch that is cancelled ends once: as `cancelled`, unless it had ended before."""

import os
from collections.abc import Iterator

import pytest
from eightbells.dispatcher.names import job_name
from eightbells.events.schema import Data
from kubernetes import client

from tests.cluster.oci import make_image
from tests.cluster.registry import Behaviour, Registry
from tests.e2e.site import BUS, SECONDS, Site, tail_of
from tests.waiting import wait_until

NOWHERE = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "spec": {"template": {"spec": {"nodeSelector": {"eightbells.test/no-such": "node"}}}},
}


def cancel(site: Site, dispatch: str) -> Data:
    """Cancel it, and return its only ending."""
    found = site.dispatcher.cancel(dispatch)
    assert found.status == "cancelled", found
    wait_until(lambda: has_no_job(site, dispatch), "its Job is gone", within=SECONDS)
    return the_ending(site, dispatch)


def the_ending(site: Site, dispatch: str) -> Data:
    """The only ending, nothing having been refused as another."""
    (event,) = site.endings(dispatch)
    record = site.server.client().hgetall(f"{{eb:{BUS}}}:d:{dispatch}")
    assert b"conflicts" not in record
    return event.data


def has_no_job(site: Site, dispatch: str) -> bool:
    found = site.cluster.batch.list_namespaced_job(site.namespace).items
    return not any(job.metadata and job.metadata.name == job_name(BUS, dispatch) for job in found)


def test_before_it_is_scheduled(site: Site) -> None:
    """Its command never started: there is no run, no exit code, and nothing that may start later."""
    dispatch = site.submit("true", template=NOWHERE)
    wait_until(lambda: site.pods(dispatch), "there is a pod", within=SECONDS)
    data = cancel(site, dispatch)
    assert (data.state, data.code, data.fault, data.exit_code, data.run) == (
        "failed",
        "cancelled",
        "cancelled",
        None,
        None,
    )
    assert data.may_still_start is None
    assert site.pods(dispatch) == []


@pytest.fixture
def registry(site: Site) -> Iterator[Registry]:
    """A registry that the nodes may pull from."""
    with Registry(site.cluster.host_address) as registry:
        site.cluster.use_registry(registry.address)
        yield registry


def add_image(registry: Registry, behaviour: Behaviour) -> str:
    """Return the reference of an image that no node has."""
    return registry.add("app:1", make_image({"bin/program": os.urandom(16)}, Cmd=["/bin/program"]), behaviour)


def test_while_its_image_cannot_be_pulled(site: Site, registry: Registry) -> None:
    """The kubelet would go on for ever."""
    dispatch = site.submit("true", image=add_image(registry, Behaviour.NOT_FOUND))
    wait_until(
        lambda: is_waiting(site, dispatch, "ErrImagePull", "ImagePullBackOff"), "it is not there", within=SECONDS
    )
    assert cancel(site, dispatch).code == "cancelled"


def test_while_its_image_is_pulled(site: Site, registry: Registry) -> None:
    """A pull that hangs keeps the pod: there is no ending until it is gone, and then one."""
    dispatch = site.submit("true", image=add_image(registry, Behaviour.HANG))
    wait_until(lambda: registry.requests, "the node asks for it", within=SECONDS)
    assert site.dispatcher.cancel(dispatch, wait=1).status == "cancelling"
    assert site.endings(dispatch) == []
    registry.behave("app:1", Behaviour.NOT_FOUND)
    assert cancel(site, dispatch).code == "cancelled"


def is_waiting(site: Site, dispatch: str, *reasons: str) -> bool:
    states = [one.state for pod in site.pods(dispatch) for one in pod.status.container_statuses or []]
    return any(state.waiting and state.waiting.reason in reasons for state in states)


def test_while_it_runs_and_has_the_time_to_end(site: Site) -> None:
    """The exit code and the output of what it still did are in the ending."""
    dispatch = site.submit("sh", "-c", "trap 'echo bye; exit 9' TERM; echo hello; while :; do sleep 0.1; done")
    site.wait_for(dispatch, "running")
    wait_until(lambda: "hello" in logs(site, dispatch), "it handles SIGTERM", within=SECONDS)
    data = cancel(site, dispatch)
    assert (data.code, data.exit_code, data.attempt) == ("cancelled", 9, 1)
    assert tail_of(data.stdout) == "hello\nbye\n"
    assert data.place
    assert data.place.pod
    assert data.place.node


def test_while_it_runs_and_ends_well_when_told_to_stop(site: Site) -> None:
    """It did not finish what it was started for."""
    dispatch = site.submit("sh", "-c", "trap 'exit 0' TERM; echo hello; while :; do sleep 0.1; done")
    site.wait_for(dispatch, "running")
    wait_until(lambda: "hello" in logs(site, dispatch), "it handles SIGTERM", within=SECONDS)
    data = cancel(site, dispatch)
    assert (data.state, data.code, data.exit_code) == ("failed", "cancelled", 0)


def test_while_it_runs_and_will_not_end(site: Site) -> None:
    """It is killed at the end of its grace, and its output is not lost."""
    dispatch = site.submit("sh", "-c", "trap '' TERM; echo hello; while :; do sleep 0.1; done", grace=2)
    site.wait_for(dispatch, "running")
    wait_until(lambda: "hello" in logs(site, dispatch), "it ignores SIGTERM", within=SECONDS)
    data = cancel(site, dispatch)
    assert (data.code, data.exit_code, data.signal) == ("cancelled", 137, "SIGKILL")
    assert tail_of(data.stdout) == "hello\n"


def test_while_it_runs_and_retries_are_left(site: Site) -> None:
    """There is no other run after a cancel."""
    dispatch = site.submit("sh", "-c", "exec sleep 1000", retries=3, grace=1)
    site.wait_for(dispatch, "running")
    data = cancel(site, dispatch)
    assert (data.code, len(data.attempts)) == ("cancelled", 1)


def test_after_its_end(site: Site) -> None:
    """A success stands, and its Job is left to whoever reads its logs."""
    dispatch = site.submit("true")
    assert site.ending(dispatch).code == "exited_zero"
    found = site.dispatcher.cancel(dispatch)
    assert (found.status, found.verdict and found.verdict.code) == ("ended", "exited_zero")
    assert the_ending(site, dispatch).state == "completed"
    assert not has_no_job(site, dispatch)


def test_what_was_never_created(site: Site) -> None:
    """And whoever submits it afterwards is told, and starts nothing."""
    assert site.dispatcher.cancel("never").status == "cancelled"
    assert the_ending(site, "never").code == "cancelled"
    assert site.dispatcher.submit(site.dispatch("true", id="never")).status == "ended"
    assert has_no_job(site, "never")


def test_when_its_pod_and_job_are_gone_already(site: Site) -> None:
    """Somebody has deleted both; what its command left behind is in the ending."""
    dispatch = site.submit("sh", "-c", "trap 'echo bye; exit 4' TERM; echo hello; while :; do sleep 0.1; done")
    site.wait_for(dispatch, "running")
    wait_until(lambda: "hello" in logs(site, dispatch), "it handles SIGTERM", within=SECONDS)
    site.cluster.batch.delete_namespaced_job(job_name(BUS, dispatch), site.namespace, propagation_policy="Foreground")
    wait_until(lambda: has_no_job(site, dispatch), "the Job is gone", within=SECONDS)
    data = cancel(site, dispatch)
    assert (data.code, data.exit_code, tail_of(data.stdout)) == ("cancelled", 4, "hello\nbye\n")


def test_when_its_pod_is_gone_and_its_job_is_not(site: Site) -> None:
    """The Job has failed, and its ending has not been made: it is cancelled, with what the command left behind."""
    dispatch = site.submit("sh", "-c", "trap 'exit 5' TERM; echo hello; while :; do sleep 0.1; done")
    site.wait_for(dispatch, "running")
    wait_until(lambda: "hello" in logs(site, dispatch), "it handles SIGTERM", within=SECONDS)
    site.cluster.core.delete_namespaced_pod(site.pod(dispatch).metadata.name, site.namespace)
    wait_until(lambda: not site.pods(dispatch), "the pod is gone", within=SECONDS)
    data = cancel(site, dispatch)
    assert (data.code, data.exit_code) == ("cancelled", 5)


def logs(site: Site, dispatch: str) -> str:
    """What the command has written so far, or nothing while there is nobody to ask."""
    try:
        return str(site.cluster.core.read_namespaced_pod_log(site.pod(dispatch).metadata.name, site.namespace))
    except client.ApiException:
        return ""
