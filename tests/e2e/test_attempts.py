"""A command that somebody outside told to stop has not ended its dispatch: the attempt says what there is to say, and
the Job's own state, which the wrapper cannot know, makes the ending.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from eightbells.events.schema import Data
from kubernetes import client

from tests.cluster.cluster import Cluster
from tests.e2e.images import Images
from tests.e2e.site import SECONDS, Site, open_site, tail_of
from tests.waiting import wait_until

AT_ONCE = "echo working; exec sleep 1000"
"""`sleep` has no handler: TERM kills it."""

IN_ITS_TIME = "trap 'echo saved; exit 3' TERM; echo working; while :; do sleep 1; done"
WITH_ZERO = "trap 'echo saved; exit 0' TERM; echo working; while :; do sleep 1; done"
DEAF = "trap '' TERM; echo working; while :; do sleep 1; done"

COMMANDS: dict[str, tuple[str, str, int, str | None, str]] = {
    "at once": (AT_ONCE, "signalled", 143, "SIGTERM", "working\n"),
    "in its time": (IN_ITS_TIME, "exit_nonzero", 3, None, "working\nsaved\n"),
    "with 0": (WITH_ZERO, "exited_zero", 0, None, "working\nsaved\n"),
    "deaf": (DEAF, "signalled", 137, "SIGKILL", "working\n"),
}
"""By how the command takes a TERM: its script, and the code, exit code, signal and output of the attempt."""


def delete(site: Site, pod: Any) -> None:
    site.cluster.core.delete_namespaced_pod(pod.metadata.name, site.namespace)


def evict(site: Site, pod: Any) -> None:
    metadata = client.V1ObjectMeta(name=pod.metadata.name, namespace=site.namespace)
    body = client.V1Eviction(metadata=metadata)
    site.cluster.core.create_namespaced_pod_eviction(pod.metadata.name, site.namespace, body)


def suspend(site: Site, pod: Any, *, is_on: bool = True) -> None:
    (owner,) = pod.metadata.owner_references
    site.cluster.batch.patch_namespaced_job(owner.name, site.namespace, {"spec": {"suspend": is_on}})


def start(site: Site, script: str, **fields: Any) -> str:
    """Submit a command, and wait until it is known to have said that it works."""
    dispatch = site.submit("sh", "-c", script, **fields)
    site.wait_for(dispatch, "running")
    pod = site.pod(dispatch)
    wait_until(lambda: "working" in read_log(site, pod), f"{dispatch} works", within=SECONDS)
    return dispatch


def read_log(site: Site, pod: Any) -> str:
    """What the container has printed; nothing as long as the kubelet does not know of it."""
    with suppress(client.ApiException):
        return str(site.cluster.core.read_namespaced_pod_log(pod.metadata.name, site.namespace))
    return ""


def check_attempt(data: Data, expected: list[Any]) -> None:
    assert [data.code, data.exit_code, data.signal, tail_of(data.stdout)] == expected
    assert data.terminated_by is not None
    assert data.terminated_by.startswith("SIGTERM")
    assert data.started_at is not None
    assert data.finished_at is not None
    assert data.duration_seconds is not None


@pytest.mark.parametrize("act", [delete, evict, suspend], ids=["deleted", "evicted", "suspended"])
@pytest.mark.parametrize("command", list(COMMANDS))
def test_who_is_told_to_stop_leaves_an_attempt(site: Site, act: Callable[[Site, Any], None], command: str) -> None:
    """Code, exit code, output and times are in the record, however the command takes it; an ending is not."""
    script, *expected = COMMANDS[command]
    dispatch = start(site, script)
    pod = site.pod(dispatch)
    act(site, pod)
    check_attempt(site.wait_for(dispatch, "attempt_ended"), expected)
    wait_until(lambda: pod.metadata.uid not in list_pods(site, dispatch), "the pod is gone or over", within=SECONDS)
    assert site.endings(dispatch) == []
    report = site.get(dispatch)
    assert (report.state, report.verdict) == ("attempt_ended", None)
    assert [attempt.code for attempt in report.attempts] == expected[:1]


def list_pods(site: Site, dispatch: str) -> list[str]:
    """The UIDs of its pods that are not over."""
    return [pod.metadata.uid for pod in site.pods(dispatch) if pod.status.phase in ("Pending", "Running")]


@pytest.fixture
def keeping(cluster: Cluster, namespace: str, images: Images) -> Iterator[Site]:
    """A site whose pods stay when they are deleted, and are let go at the end."""
    with open_site(cluster, namespace, images, keep_evidence=True) as site:
        yield site
        site.cluster.batch.delete_collection_namespaced_job(namespace, propagation_policy="Background")
        wait_until(lambda: not release(site), "every pod is gone", within=SECONDS)


def release(site: Site) -> list[Any]:
    """Take the finalizer off all pods, as a reconciler does; return those that were there."""
    patch = {"metadata": {"$deleteFromPrimitiveList/finalizers": ["eightbells.io/ending"]}}
    pods: list[Any] = site.cluster.core.list_namespaced_pod(site.namespace).items
    for pod in pods:
        with suppress(client.ApiException):  # gone since
            site.cluster.core.patch_namespaced_pod(pod.metadata.name, site.namespace, patch)
    return pods


def test_evidence_is_there_until_it_is_released(keeping: Site) -> None:
    """A pod that somebody deleted still says how its command ended; without our finalizer it goes."""
    site = keeping
    dispatch = start(site, IN_ITS_TIME)
    delete(site, site.pod(dispatch))
    assert site.termination(dispatch)[0] == 3
    wait_until(lambda: site.pod(dispatch).status.phase == "Failed", "the pod has failed", within=SECONDS)
    wait_until(lambda: is_failed(site, dispatch), "the Job has failed", within=SECONDS)
    assert release(site)
    wait_until(lambda: site.pods(dispatch) == [], "the pod is gone", within=SECONDS)


@pytest.mark.parametrize("command", list(COMMANDS))
def test_a_suspended_dispatch_goes_on_when_it_is_resumed(keeping: Site, command: str) -> None:
    """Without retries too, and however the command takes it: its second run is another attempt of the same dispatch.

    The pod stays, so that the Job controller sees it for certain: else that is a matter of milliseconds.
    """
    site, (script, *expected) = keeping, COMMANDS[command]
    dispatch = start(site, script)
    pod = site.pod(dispatch)
    suspend(site, pod)
    check_attempt(site.wait_for(dispatch, "attempt_ended"), expected)
    wait_until(lambda: pod.metadata.uid not in list_pods(site, dispatch), "the pod is over", within=SECONDS)
    suspend(site, pod, is_on=False)
    wait_until(lambda: count_running(site, dispatch) == 2, "the second run is known", within=SECONDS)
    assert not is_failed(site, dispatch)
    assert site.endings(dispatch) == []
    assert [attempt.number for attempt in site.get(dispatch).attempts] == [1, 2]


def is_failed(site: Site, dispatch: str) -> bool:
    """Whether its Job has failed, or is about to."""
    conditions = site.job(dispatch).status.conditions or []
    return any(one.type in ("FailureTarget", "Failed") and one.status == "True" for one in conditions)


def count_running(site: Site, dispatch: str) -> int:
    return sum(event.data.state == "running" for event in site.events(dispatch))


def test_retries_are_attempts_until_the_job_decides(site: Site) -> None:
    """With retries no run ends the dispatch: each failed one is an attempt with a number of its own, the last too."""
    dispatch = site.submit("sh", "-c", "echo try; exit 9", retries=1)
    wait_until(lambda: len(list_attempts(site, dispatch)) == 2, "both attempts are over", within=SECONDS)
    attempts = list_attempts(site, dispatch)
    assert [(data.attempt, data.code, data.exit_code) for data in attempts] == [
        (1, "exit_nonzero", 9),
        (2, "exit_nonzero", 9),
    ]
    assert [tail_of(data.stdout) for data in attempts] == ["try\n"] * 2
    assert all(data.started_at and data.finished_at and data.started_at <= data.finished_at for data in attempts)
    assert len({data.run for data in attempts}) == 2
    assert [attempt.number for attempt in site.get(dispatch).attempts] == [1, 2]
    assert site.endings(dispatch) == []


def list_attempts(site: Site, dispatch: str) -> list[Data]:
    return [event.data for event in site.events(dispatch) if event.data.state == "attempt_ended"]


def test_a_success_with_retries_is_an_attempt_too(site: Site) -> None:
    """It is the Job that says that it needs no other run."""
    dispatch = site.submit("sh", "-c", "echo done", retries=2)
    data = site.wait_for(dispatch, "attempt_ended")
    assert (data.code, data.exit_code, tail_of(data.stdout)) == ("exited_zero", 0, "done\n")
    wait_until(lambda: site.job(dispatch).status.succeeded == 1, "the Job is complete", within=SECONDS)
    assert site.endings(dispatch) == []


def test_an_index_does_not_end_the_dispatch(site: Site) -> None:
    """A success of index 0 is not the success of the Job."""
    template = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "spec": {
            "completions": 2,
            "parallelism": 1,
            "completionMode": "Indexed",
            "template": {"spec": {"containers": [{"name": "main"}]}},
        },
    }
    dispatch = site.submit("sh", "-c", "exit $JOB_COMPLETION_INDEX", template=template)
    wait_until(lambda: len(list_attempts(site, dispatch)) == 2, "both indexes are over", within=SECONDS)
    assert [data.exit_code for data in list_attempts(site, dispatch)] == [0, 1]
    assert site.endings(dispatch) == []
