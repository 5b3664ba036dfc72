"""What ends a Job becomes the one ending of its dispatch, with what the command left."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.reconciler.informer.objects import running, terminated, waiting
from tests.reconciler.worker.post import Post, record_of, wrapper_document

OOM = terminated(137, "OOMKilled", startedAt="2026-11-25T10:00:02Z", finishedAt="2026-11-25T10:00:09Z")


def test_what_the_kernel_killed_ends_its_dispatch(post: Post) -> None:
    """The ending has code, blame, exit code, times, place and evidence, and the Job is settled."""
    post.show_job()
    post.show_pod("p", OOM)
    post.work()
    data = post.ending()
    assert (data.state, data.code, data.fault, data.retryable) == ("failed", "oom_killed", "resource", "more_memory")
    assert (data.reporter, data.exit_code, data.charged, data.run) == ("reconciler", 137, True, "p.0")
    assert (data.started_at, data.finished_at) == ("2026-11-25T10:00:02Z", "2026-11-25T10:00:09Z")
    assert data.duration_seconds == 7
    assert data.place
    assert (data.place.cluster, data.place.job_uid, data.place.pod, data.place.node) == ("c", "j", "pod-p", "node-1")
    assert data.evidence
    assert [(one.run, one.number, one.code, one.charged) for one in data.attempts] == [("p.0", 1, "oom_killed", True)]
    assert post.cache.is_settled("j")


def test_a_job_that_goes_on_costs_the_bus_nothing(post: Post) -> None:
    """No command is sent for a Job that runs."""
    post.show_job()
    post.show_pod("p", running())
    before = post.bus.client.info("stats")["total_commands_processed"]
    post.work()
    assert post.bus.client.info("stats")["total_commands_processed"] == before + 1
    assert not post.bus.log()


def test_a_final_termination_message_stands_in_for_what_the_bus_never_got(post: Post) -> None:
    """The wrapper's code, exit code and output are in the ending, and how they came."""
    final = record_of("p", "failed", code="exit_nonzero", exit_code=7, message="exited with 7")
    post.show_job()
    post.show_pod("p", terminated(7, message=final))
    post.work()
    data = post.ending()
    assert (data.code, data.exit_code, data.via, data.message) == (
        "exit_nonzero",
        7,
        "termination-message",
        "exited with 7",
    )
    assert data.stdout
    assert data.stdout.tail == "did it\n"


def test_a_provisional_record_gives_its_tail_and_no_verdict(post: Post) -> None:
    """What killed the wrapper too is told by Kubernetes, with the output so far."""
    provisional = record_of("p", "running", result={"half": "done"})
    post.show_job()
    post.show_pod("p", terminated(137, "OOMKilled", message=provisional))
    post.work()
    data = post.ending()
    assert (data.code, data.exit_code, data.via) == ("oom_killed", 137, "termination-message")
    assert data.stdout
    assert data.stdout.tail == "did it\n"
    assert data.result is None


def test_the_newest_attempt_on_the_bus_goes_with_the_verdict(post: Post) -> None:
    """A command that was told to stop has said so itself; who told it comes from the cluster."""
    said = wrapper_document("p", exit_code=143, signal=None, terminated_by="SIGTERM", result={"steps": 3})
    post.bus.tell(
        "d", "attempt_ended", run="p.0", document=said, verdict='{"state":"attempt_ended","code":"signalled"}'
    )
    disruption = {"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"}
    gone = {"deletionTimestamp": "2026-11-25T10:00:30Z", "deletionGracePeriodSeconds": 30}
    post.fail_job()
    status = {"phase": "Failed", "conditions": [disruption], "containerStatuses": [terminated(143)]}
    post.show_pod("p", metadata=gone, status=status)
    post.work()
    data = post.ending()
    assert (data.code, data.fault, data.charged, data.exit_code) == ("drained", "infra", False, 143)
    assert (data.terminated_by, data.via, data.result) == ("SIGTERM", "redis", {"steps": 3})
    assert [(one.number, one.code, one.charged) for one in data.attempts] == [(1, "drained", False)]


def test_what_was_removed_unwatched_ends_as_its_command_said(post: Post) -> None:
    """By the newest attempt on the bus; an exit code that none can be is left out."""
    for name, exit_code in (("d", 7), ("e", 1000)):
        said = wrapper_document("p", name, code="exit_nonzero", fault="user", exit_code=exit_code, signal="SIG\n")
        post.bus.register(name, cluster="c", namespace="batch", job=f"job-{name}", job_uid=name, create_ms=0)
        post.bus.tell(name, "attempt_ended", run="p.0", document=said)
    post.sweep()
    assert [(post.ending(one).code, post.ending(one).exit_code) for one in "de"] == [
        ("exit_nonzero", 7),
        ("exit_nonzero", None),
    ]
    assert post.ending().signal is None


def test_an_earlier_attempt_does_not_speak_for_a_later_one(post: Post) -> None:
    """The last run left no word before its Job was removed: nobody knows how it ended."""
    said = wrapper_document("p", code="exit_nonzero", fault="user", exit_code=7)
    post.bus.register("d", cluster="c", namespace="batch", job="job-d", job_uid="d", create_ms=0)
    post.bus.tell("d", "attempt_ended", run="p.0", document=said)
    post.bus.tell("d", "running", run="q.0")
    post.sweep()
    assert (post.ending().code, post.ending().exit_code) == ("unknown", None)


def test_a_command_that_is_told_to_stop_has_its_last_word(post: Post) -> None:
    """Its Job is being deleted: the ending waits until it is dead, and has its exit code and output."""
    post.bus.register("d", cluster="c", namespace="batch", job="job-j", job_uid="j")
    post.bus.cancel("d")
    post.show_job(metadata={"deletionTimestamp": post.at(), "deletionGracePeriodSeconds": 0})
    post.show_pod("p", running())
    post.work()
    gone = {"deletionTimestamp": "2026-11-25T10:00:30Z", "deletionGracePeriodSeconds": 30}
    post.show_pod("p", running(), metadata=gone)
    post.pass_seconds(20)
    post.work()
    assert not post.endings()
    post.show_pod("p", terminated(143, message=record_of("p", "running")), metadata=gone)
    post.work()
    data = post.ending()
    assert (data.code, data.exit_code) == ("cancelled", 143)
    assert data.stdout
    assert data.stdout.tail == "did it\n"


def test_a_command_that_runs_before_the_kubelet_says_so_has_its_last_word(post: Post) -> None:
    """Its wrapper has spoken, and the pod still shows that its container is being created."""
    post.bus.tell("d", "running", run="p.0", job_uid="j")
    post.show_job(metadata={"deletionTimestamp": post.at(), "deletionGracePeriodSeconds": 0})
    post.show_pod("p", waiting("ContainerCreating"))
    post.work()
    assert not post.endings()
    gone = {"deletionTimestamp": "2026-11-25T10:00:30Z", "deletionGracePeriodSeconds": 30}
    post.show_pod("p", terminated(143), metadata=gone)
    post.work()
    assert post.ending().exit_code == 143


@pytest.mark.parametrize("metadata", [{}, {"deletionTimestamp": "2026-11-25T10:00:30Z"}])
def test_nobody_waits_longer_for_a_last_word_than_there_can_be_one(post: Post, metadata: dict[str, Any]) -> None:
    """A pod that its Job left behind, and one on a dead node, run on: the ending says so."""
    post.show_job(metadata={"deletionTimestamp": post.at(), "deletionGracePeriodSeconds": 0})
    post.show_pod("p", running(), metadata=metadata)
    post.work()
    assert not post.endings()
    post.pass_seconds(41)
    post.work()
    assert (post.ending().code, post.ending().may_still_run) == ("job_deleted", True)


def test_what_a_dry_run_would_say_is_not_on_the_bus(
    open_post: Callable[..., Post], caplog: pytest.LogCaptureFixture
) -> None:
    """It is in the log, once."""
    post = open_post(is_dry=True)
    post.show_job()
    post.show_pod("p", OOM)
    with caplog.at_level("INFO"):
        post.work()
        post.show_job(status={"active": 1})
        post.work()
    assert not post.bus.log()
    assert [one.code for one in caplog.records if getattr(one, "status", "") == "dry_run"] == ["oom_killed"]  # type: ignore[attr-defined]


def test_a_dry_run_says_attempts_and_ending(open_post: Callable[..., Post], caplog: pytest.LogCaptureFixture) -> None:
    """All that would be published, in its order."""
    post = open_post(is_dry=True)
    for number, pod in enumerate("ab"):
        post.show_pod(pod, terminated(number + 1), metadata={"creationTimestamp": f"2026-11-25T10:00:0{number}Z"})
    post.fail_job(spec={"backoffLimit": 1})
    post.pass_seconds(5)
    with caplog.at_level("INFO"):
        post.work()
    said = [(vars(one)["state"], vars(one)["run"]) for one in caplog.records if hasattr(one, "state")]
    assert said == [("attempt_ended", "a.0"), ("failed", "b.0")]
    assert not post.bus.log()


def test_labels_and_trace_of_the_record_are_in_the_ending(post: Post) -> None:
    """Whoever reports, the caller finds what he gave at submit."""
    post.bus.register("d", cluster="c", labels='{"team":"a"}', traceparent="00-1-2-01", rerun_of="c0")
    post.show_job()
    post.show_pod("p", OOM)
    post.work()
    (event,) = post.events("failed")
    assert (event.data.labels, event.traceparent, event.data.rerun_of) == ({"team": "a"}, "00-1-2-01", "c0")
