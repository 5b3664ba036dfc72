"""The reconciler changes the cluster only when told to, only after an ending was accepted, and only what it saw."""

from collections.abc import Callable
from typing import Any

import pytest
from eightbells.reconciler.informer.errors import Refused
from eightbells.reconciler.worker.acting import release_all

from tests.reconciler.informer.objects import job_dict, make_job, pod_dict, terminated, waiting
from tests.reconciler.worker.post import Post, marked

JOB = "/apis/batch/v1/namespaces/batch/jobs/job-j"
NO_IMAGE = waiting("InvalidImageName", "couldn't parse image name")
FINALIZERS = ["batch.kubernetes.io/job-tracking", "eightbells.io/ending"]


def show_pending(post: Post, **job: Any) -> None:
    """A Job whose pod can never start, as the API has it too."""
    there = marked(job_dict("j", **job), "d")
    there["metadata"]["resourceVersion"] = "7"
    post.answers.objects[JOB] = there
    post.show_job(**job)
    post.show_pod("p", NO_IMAGE)


def test_a_job_whose_dispatch_has_ended_before_it_started_is_deleted(open_post: Callable[..., Post]) -> None:
    """In the foreground, and only as it was when that was decided."""
    post = open_post(enforce=True)
    show_pending(post)
    post.work()
    assert (post.ending().code, post.ending().may_still_start) == ("image_invalid", True)
    body = {"propagationPolicy": "Foreground", "preconditions": {"uid": "j", "resourceVersion": "7"}}
    assert post.answers.changed == [("DELETE", JOB, body)]


def test_nothing_is_deleted_unless_told(post: Post) -> None:
    """By default the ending says that the Job may still start, and that is all."""
    show_pending(post)
    post.work()
    assert post.ending().may_still_start is True
    assert not post.answers.changed


def test_a_job_that_has_moved_on_is_left_alone(open_post: Callable[..., Post]) -> None:
    """Its status is another one than that which was judged."""
    post = open_post(enforce=True)
    show_pending(post)
    post.answers.objects[JOB]["status"] = {"ready": 1}
    post.work()
    assert len(post.endings()) == 1
    assert not post.answers.changed


def test_a_job_of_the_same_name_is_left_alone(open_post: Callable[..., Post]) -> None:
    """Somebody has made it anew."""
    post = open_post(enforce=True)
    show_pending(post)
    post.answers.objects[JOB]["metadata"]["uid"] = "another"
    post.work()
    assert len(post.endings()) == 1
    assert not post.answers.changed


def test_a_job_that_ran_is_never_deleted(open_post: Callable[..., Post]) -> None:
    """Only what has not started is ended early."""
    post = open_post(enforce=True)
    show_pending(post)
    post.show_pod("p", terminated(1))
    post.work()
    assert len(post.endings()) == 1
    assert not post.answers.changed


def test_an_ending_that_somebody_else_made_deletes_nothing(open_post: Callable[..., Post]) -> None:
    """The wrapper has spoken: whatever the pod looks like, it has run."""
    post = open_post(enforce=True)
    post.bus.tell("d", run="p.0")
    show_pending(post)
    post.work()
    assert post.cache.is_settled("j")
    assert not post.answers.changed


def test_whoever_speaks_first_keeps_his_job(open_post: Callable[..., Post], monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrapper that spoke between the look and the publish: the verdict was wrong, and nothing is deleted for it."""
    post = open_post(enforce=True)
    publish = post.link.publish

    def speak_first(reports: Any) -> Any:
        post.bus.tell("d", run="p.0")
        return publish(reports)

    monkeypatch.setattr(post.link, "publish", speak_first)
    show_pending(post)
    post.work()
    assert post.cache.is_settled("j")
    assert not post.answers.changed


def test_kept_evidence_is_let_go_when_the_dispatch_has_its_ending(post: Post) -> None:
    """Our finalizer is taken off, and nobody else's, whoever made the ending."""
    post.show_job()
    post.show_pod("p", terminated(1), metadata={"finalizers": FINALIZERS})
    post.work()
    ((method, path, body),) = post.answers.changed
    assert (method, path) == ("PATCH", "/api/v1/namespaces/batch/pods/pod-p")
    assert body == {"metadata": {"uid": "p", "$deleteFromPrimitiveList/finalizers": ["eightbells.io/ending"]}}


def test_evidence_that_another_bus_keeps_is_left_alone(post: Post) -> None:
    """Its dispatch may not have ended there."""
    post.agenda.put(*post.cache.put_job(make_job("j")))
    post.show_pod("p", terminated(1), dispatch="dispatch-j", metadata={"finalizers": FINALIZERS})
    post.work()
    assert post.cache.is_settled("j")
    assert not post.answers.changed


def test_kept_evidence_is_kept_until_then(post: Post) -> None:
    """A Job that goes on keeps its pods."""
    post.show_job(spec={"backoffLimit": 3})
    post.show_pod("p", terminated(1), metadata={"finalizers": FINALIZERS})
    post.work()
    assert post.attempts()
    assert not post.answers.changed


def test_a_cluster_that_refuses_loses_no_ending(
    open_post: Callable[..., Post], caplog: pytest.LogCaptureFixture
) -> None:
    """The ending is out; what could not be changed is said."""
    post = open_post(enforce=True)
    show_pending(post)
    post.answers.error = Refused("GET: 405 no")
    with caplog.at_level("WARNING"):
        post.work()
    assert len(post.endings()) == 1
    assert [one.action for one in caplog.records] == ["not_changed"]  # type: ignore[attr-defined]


def test_everything_can_be_let_go_before_uninstalling(post: Post) -> None:
    """Each pod that carries our finalizer, and no other."""
    pods = [pod_dict(name, "j", metadata={"finalizers": FINALIZERS}) for name in ("p", "q")]
    post.answers.objects["/api/v1/pods"] = {"items": [*pods, pod_dict("r", "j")], "metadata": {}}
    assert release_all(post.answers, []) == 2
    assert [path.rpartition("/")[2] for _, path, _ in post.answers.changed] == ["pod-p", "pod-q"]
