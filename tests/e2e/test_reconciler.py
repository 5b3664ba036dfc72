"""On a real cluster the reconciler ends what nobody else can: plain images, killed pods, deleted Jobs."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from eightbells.consumer import Consumer, Delivery

from tests.e2e.reconciling import BUS, SECONDS, Yard, open_yard
from tests.servers.server import Server
from tests.waiting import wait_until, wait_until_async

if TYPE_CHECKING:
    from tests.cluster.cluster import Cluster


@pytest.fixture
def yard(cluster: "Cluster", namespace: str, valkey: Server, tmp_path: Path) -> Iterator[Yard]:
    with open_yard(cluster, namespace, valkey.url, tmp_path) as yard:
        yield yard


async def test_what_the_kernel_killed_reaches_a_handler(yard: Yard) -> None:
    """Out of memory in a plain image: one ending, with blame and place, at the consumer."""
    seen: list[Delivery] = []
    consumer = Consumer(yard.url, "g", seen.append, namespace=BUS)
    running = asyncio.create_task(consumer.run())
    try:
        yard.reconcile()
        yard.create_job("hog", "exec tail /dev/zero", limits={"memory": "32Mi"})
        await wait_until_async(lambda: seen, "it is delivered", within=SECONDS)
    finally:
        consumer.stop()
        await running
    (delivery,) = seen
    data = delivery.event.data
    assert (data.code, data.fault, data.retryable, data.exit_code) == ("oom_killed", "resource", "more_memory", 137)
    assert data.place
    assert (data.place.cluster, data.place.namespace, data.place.job) == ("test", yard.namespace, "hog")


def test_each_end_has_its_own_code(yard: Yard) -> None:
    """Side by side on one cluster, each once."""
    reconciler = yard.reconcile("--enforce")
    reconciler.wait_until_watching()
    yard.create_job("zero", "exit 0")
    yard.create_job("seven", "exit 7")
    yard.create_job("no-image", "exit 0", image="Not An Image")
    for name in ("pod-deleted", "job-deleted"):
        yard.create_job(name, "exec sleep 1000")
    pod = yard.wait_until_running("pod-deleted")
    yard.cluster.core.delete_namespaced_pod(pod, yard.namespace)
    yard.wait_until_running("job-deleted")
    yard.cluster.batch.delete_namespaced_job("job-deleted", yard.namespace, propagation_policy="Background")
    found = {name: yard.ending(name) for name in ("zero", "seven", "no-image", "pod-deleted", "job-deleted")}
    assert {name: data.code for name, data in found.items()} == {
        "zero": "completed_without_report",
        "seven": "exit_nonzero",
        "no-image": "image_invalid",
        "pod-deleted": "pod_deleted",
        "job-deleted": "job_deleted",
    }
    assert (found["seven"].exit_code, found["pod-deleted"].charged) == (7, False)
    wait_until(lambda: "no-image" not in job_names(yard), "what cannot start is deleted", within=SECONDS, pause=0.2)
    assert not [line for line in reconciler.lines() if line["level"] == "error"]
    assert all(yard.conflicts(name) == 0 for name in found)


def test_attempts_are_told_before_the_ending(yard: Yard) -> None:
    """With a retry: the first failure is an attempt, and the ending lists both."""
    yard.reconcile()
    yard.create_job("twice", "exit 3", backoffLimit=1)
    data = yard.ending("twice")
    assert [event.data.state for event in yard.events("twice")] == ["attempt_ended", "failed"]
    assert [(one.number, one.code, one.charged) for one in data.attempts] == [
        (1, "exit_nonzero", True),
        (2, "exit_nonzero", True),
    ]


def test_two_side_by_side_say_it_once_and_one_is_enough(yard: Yard) -> None:
    """Both see everything; one is killed in the middle; each dispatch has one ending and no conflict."""
    first, second = yard.reconcile(), yard.reconcile()
    for one in (first, second):
        one.wait_until_watching()
    names = [f"job-{number}" for number in range(6)]
    for name in names[:3]:
        yard.create_job(name, "exit 4")
    yard.ending(names[0])
    first.kill()
    for name in names[3:]:
        yard.create_job(name, "exit 4")
    for name in names:
        assert yard.ending(name).exit_code == 4
    assert all(yard.conflicts(name) == 0 for name in names)


def test_what_ended_while_nobody_watched_is_told_at_the_next_start(yard: Yard) -> None:
    """`--once`, and after it nothing is left to say."""
    yard.create_job("earlier", "exit 5")
    wait_until(lambda: has_failed(yard, "earlier"), "the Job has failed", within=SECONDS, pause=0.2)
    dry = yard.reconcile("--once", "--dry-run")
    assert dry.process.wait(SECONDS) == 0
    assert [line["code"] for line in dry.lines("published")] == ["exit_nonzero"]
    assert not yard.events("earlier")
    assert yard.reconcile("--once").process.wait(SECONDS) == 0
    assert yard.ending("earlier").exit_code == 5
    again = yard.reconcile("--once")
    assert again.process.wait(SECONDS) == 0
    assert not again.lines("published")


def test_polling_sees_what_watching_sees(yard: Yard) -> None:
    """Two lists an interval instead of a watch."""
    yard.reconcile("--poll", "1s")
    yard.create_job("polled", "exit 6")
    assert yard.ending("polled").exit_code == 6


def test_kept_evidence_is_let_go_after_the_ending(yard: Yard) -> None:
    """A pod that was deleted while nobody watched stays until its dispatch has ended, and then goes."""
    yard.create_job("kept", "exec sleep 1000", finalizers=["eightbells.io/ending"])
    pod = yard.wait_until_running("kept")
    yard.cluster.core.delete_namespaced_pod(pod, yard.namespace)
    wait_until(lambda: has_failed(yard, "kept"), "the Job has failed", within=SECONDS, pause=0.2)
    yard.reconcile()
    assert yard.ending("kept").code == "pod_deleted"
    wait_until(lambda: not yard.pods("kept"), "the pod is gone", within=SECONDS, pause=0.2)


def test_all_evidence_can_be_let_go(yard: Yard) -> None:
    """`--release-all`, for who uninstalls it: nothing keeps a pod any more."""
    yard.create_job("held", "exec sleep 1000", finalizers=["eightbells.io/ending"])
    pod = yard.wait_until_running("held")
    yard.cluster.core.delete_namespaced_pod(pod, yard.namespace)
    released = yard.reconcile("--release-all")
    assert released.process.wait(SECONDS) == 0
    assert released.says() == "released 1 pods\n"
    wait_until(lambda: not yard.pods("held"), "the pod is gone", within=SECONDS, pause=0.2)
    yard.cluster.batch.delete_namespaced_job("held", yard.namespace, propagation_policy="Background")


def has_failed(yard: Yard, name: str) -> bool:
    status = yard.cluster.batch.read_namespaced_job(name, yard.namespace).status
    return any(one.type == "Failed" and one.status == "True" for one in (status.conditions if status else None) or [])


def job_names(yard: Yard) -> list[str]:
    found = yard.cluster.batch.list_namespaced_job(yard.namespace).items
    return [str(job.metadata.name) for job in found if job.metadata]
