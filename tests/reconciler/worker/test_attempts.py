"""While a Job has tries left the end of each attempt is told with its cause, in order, and the ending lists all."""

from typing import Any

from tests.reconciler.informer.objects import running, terminated
from tests.reconciler.worker.post import Post

RETRYING: dict[str, Any] = {"spec": {"backoffLimit": 3}}


def made(second: int) -> dict[str, Any]:
    return {"creationTimestamp": f"2026-11-25T10:00:{second:02}Z"}


def failed(post: Post, pod: str, second: int, *statuses: dict[str, Any], **status: Any) -> None:
    post.show_pod(pod, metadata=made(second), status={"phase": "Failed", "containerStatuses": list(statuses), **status})


def test_an_attempt_that_failed_is_told_and_the_dispatch_goes_on(post: Post) -> None:
    """There is an attempt_ended with code and charge, and no ending."""
    post.show_job(**RETRYING)
    failed(post, "a", 1, terminated(7))
    post.work()
    (data,) = post.attempts()
    assert (data.state, data.code, data.exit_code, data.charged, data.run) == (
        "attempt_ended",
        "exit_nonzero",
        7,
        True,
        "a.0",
    )
    assert not post.endings()
    assert not post.cache.is_settled("j")
    assert post.bus.record("d")["uid"] == "j"


def test_attempts_are_numbered_as_their_pods_were_made(post: Post) -> None:
    """Whatever order they come into view in, and however late."""
    post.show_job(**RETRYING)
    failed(post, "b", 20, terminated(2))
    failed(post, "a", 1, terminated(1))
    post.show_pod("c", running(), metadata=made(40))
    post.work()
    assert [(one.run, one.attempt) for one in post.attempts()] == [("a.0", 1), ("b.0", 2)]


def test_the_ending_comes_after_all_attempts_and_lists_them(post: Post) -> None:
    """A reconciler that finds a Job which has failed already tells the earlier attempts first."""
    for number, pod in enumerate(("a", "b", "c")):
        failed(post, pod, number, terminated(number + 1))
    post.fail_job(**RETRYING)
    post.work()
    assert [one["s"] for one in post.bus.log()] == ["attempt_ended", "attempt_ended", "failed"]
    data = post.ending()
    assert [(one.run, one.number, one.code) for one in data.attempts] == [
        ("a.0", 1, "exit_nonzero"),
        ("b.0", 2, "exit_nonzero"),
        ("c.0", 3, "exit_nonzero"),
    ]
    assert (data.run, data.attempt, data.exit_code) == ("c.0", 3, 3)


def test_what_infrastructure_took_is_free(post: Post) -> None:
    """A drained attempt is not charged."""
    post.show_job(**RETRYING)
    disruption = {"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"}
    failed(post, "a", 1, terminated(143), conditions=[disruption])
    post.work()
    assert [(one.code, one.fault, one.charged) for one in post.attempts()] == [("drained", "infra", False)]


def test_a_command_that_is_still_dying_is_not_told(post: Post) -> None:
    """Its wrapper will say more: nobody speaks before it is dead."""
    post.show_job(**RETRYING)
    gone = {"deletionTimestamp": "2026-11-25T10:05:00Z", "deletionGracePeriodSeconds": 30, **made(1)}
    disruption = {"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"}
    status = {"phase": "Running", "conditions": [disruption], "containerStatuses": [running()]}
    post.show_pod("a", metadata=gone, status=status)
    post.work()
    assert not post.attempts()
    status |= {"phase": "Failed", "containerStatuses": [terminated(143)]}
    post.show_pod("a", metadata=gone, status=status)
    post.work()
    assert [one.code for one in post.attempts()] == ["drained"]


def test_attempts_that_are_too_old_to_tell_hold_up_nobody(post: Post) -> None:
    """Longer ago than records live: the bus refuses them, and the Job is settled."""
    post.bus.set(verdict=1000)
    end = {"startedAt": "2026-11-25T10:00:01Z", "finishedAt": "2026-11-25T10:00:02Z"}
    for number, pod in enumerate("abc"):
        failed(post, pod, number, terminated(number + 1, **end))
    post.fail_job(spec={"backoffLimit": 2})
    post.work()
    assert not post.bus.log()
    assert post.cache.is_settled("j")


def test_the_last_attempt_is_told_by_the_ending_alone(post: Post) -> None:
    """No try is left: the Job says so a second later."""
    post.show_job(spec={"backoffLimit": 1})
    failed(post, "a", 1, terminated(1))
    failed(post, "b", 20, terminated(2))
    post.work()
    assert [one.run for one in post.attempts()] == ["a.0"]


def test_a_success_that_nothing_can_follow_is_told_by_the_ending_alone(post: Post) -> None:
    """The Job says so a second later; one of several completions is an attempt that ended."""
    post.show_job(**RETRYING)
    post.show_pod("a", terminated(0), metadata=made(1))
    post.show_job("several", "several", spec={"backoffLimit": 3, "completions": 2})
    post.show_pod("b", terminated(0), metadata=made(1), job="several", dispatch="several")
    post.work()
    assert not post.attempts()
    assert [one.exit_code for one in post.attempts("several")] == [0]


def test_an_attempt_that_the_wrapper_told_is_not_told_again(post: Post) -> None:
    """What it said stays, and nothing comes beside it."""
    post.bus.tell("d", "attempt_ended", run="a.0")
    post.show_job(**RETRYING)
    failed(post, "a", 1, terminated(7))
    post.work()
    assert len(post.bus.log()) == 1


def test_an_attempt_is_read_about_once(post: Post) -> None:
    """A Job that goes on with an attempt behind it costs nothing at its next change."""
    post.show_job(**RETRYING)
    failed(post, "a", 1, terminated(7))
    post.work()
    post.show_job(**RETRYING, status={"active": 1})
    before = post.bus.client.info("stats")["total_commands_processed"]
    post.work()
    assert post.bus.client.info("stats")["total_commands_processed"] == before + 1
