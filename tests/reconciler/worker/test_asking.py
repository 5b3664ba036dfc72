"""What a decision rests on is asked for, as little of it as will do; what we may not read is done without."""

from typing import Any

import pytest

from tests.reconciler.informer.objects import pod_dict, running, terminated
from tests.reconciler.worker.post import Post, marked

NAMESPACE = "/api/v1/namespaces/batch"
EVENTS = f"{NAMESPACE}/events"
LIVENESS = [
    {
        "metadata": {"name": f"pod-p.{number}", "namespace": "batch"},
        "involvedObject": {"kind": "Pod", "namespace": "batch", "name": "pod-p", "uid": "p"},
        "reason": reason,
        "message": message,
        "lastTimestamp": f"2026-11-25T10:00:0{number}Z",
        "firstTimestamp": f"2026-11-25T10:00:0{number}Z",
    }
    for number, reason, message in (
        (5, "Unhealthy", "Liveness probe failed: "),
        (6, "Killing", "Stopping container main"),
    )
]
KILLED = terminated(137, startedAt="2026-11-25T10:00:02Z", finishedAt="2026-11-25T10:00:09Z")


def test_events_of_the_job_and_its_pods_are_asked_for_by_name(post: Post) -> None:
    """And tell a failed probe from a kill that nobody explains."""
    post.answers.objects[EVENTS] = {"items": LIVENESS}
    post.show_job()
    post.show_pod("p", KILLED)
    post.work()
    assert post.ending().code == "probe_failed"
    asked = [one["fieldSelector"] for one in post.answers.params]
    assert asked == [
        "involvedObject.kind=Job,involvedObject.name=job-j",
        "involvedObject.kind=Pod,involvedObject.name=pod-p",
    ]


def test_events_that_we_may_not_read_are_done_without(post: Post, caplog: pytest.LogCaptureFixture) -> None:
    """Once said, and decided by what there is."""
    post.answers.forbidden.add(EVENTS)
    with caplog.at_level("WARNING"):
        for name in "ab":
            post.show_job(name, name)
            post.show_pod(f"p{name}", KILLED, job=name, dispatch=name)
        post.work()
    assert [post.ending(name).code for name in "ab"] == ["killed_137", "killed_137"]
    assert [one.action for one in caplog.records] == ["may_not_read"]  # type: ignore[attr-defined]


def test_what_cannot_be_read_among_the_events_is_left_out(post: Post) -> None:
    """One broken object hides no other."""
    broken: list[Any] = [{"metadata": {"name": 7}}, *LIVENESS]
    post.answers.objects[EVENTS] = {"items": broken}
    post.show_job()
    post.show_pod("p", KILLED)
    post.work()
    assert post.ending().code == "probe_failed"


def test_a_finished_job_whose_pods_are_not_in_view_has_them_listed(post: Post) -> None:
    """Five seconds, then one LIST by controller-uid: here they lack our label."""
    path = f"{NAMESPACE}/pods"
    post.answers.objects[path] = {"items": [marked(pod_dict("p", "j", terminated(7)), "d")]}
    post.time.seconds += 10
    post.fail_job(spec={"backoffLimit": 1})
    post.work()
    assert not post.endings()
    post.time.seconds += 6
    post.work()
    assert post.ending().exit_code == 7
    asked = dict(zip(post.answers.asked, post.answers.params, strict=True))
    assert asked[path] == {"labelSelector": "batch.kubernetes.io/controller-uid=j"}


def test_an_event_that_is_no_reason_to_ask_asks_nobody(post: Post) -> None:
    """A plain exit is told from the pod alone."""
    post.show_job()
    post.show_pod("p", running())
    post.work()
    post.show_pod("p", terminated(7))
    post.work()
    assert post.ending().exit_code == 7
    assert not post.answers.asked
