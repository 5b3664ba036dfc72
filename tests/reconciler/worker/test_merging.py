"""Who is believed: the first ending, the newest look, and the Job that the record names."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.reconciler.informer.objects import make_job, terminated
from tests.reconciler.worker.post import Post

OOM = terminated(137, "OOMKilled", startedAt="2026-11-25T10:00:02Z", finishedAt="2026-11-25T10:00:09Z")


def test_what_the_wrapper_has_ended_is_read_and_settled(post: Post) -> None:
    """Nothing is published for it, not even a conflict."""
    post.bus.tell("d", run="p.0")
    post.show_job()
    post.show_pod("p", terminated(0))
    post.work()
    assert post.cache.is_settled("j")
    assert len(post.bus.log()) == 1
    assert "conflicts" not in post.bus.record("d")


def test_a_record_that_moves_is_looked_at_again(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrapper that speaks between the look and the publish is not overruled."""
    publish = post.link.publish
    spoken: list[Any] = []

    def speak_first(reports: Any) -> Any:
        if not spoken:
            spoken.append(post.bus.tell("d", run="p.0"))
        return publish(reports)

    monkeypatch.setattr(post.link, "publish", speak_first)
    post.bus.tell("d", "running", run="p.0")
    post.show_job()
    post.show_pod("p", OOM)
    post.work()
    assert [one["s"] for one in post.bus.log()] == ["running", "completed"]
    assert post.bus.record("d")["conflicts"] == "1"
    assert post.cache.is_settled("j")


def test_a_record_that_moves_without_ending_gets_its_verdict_at_the_second_look(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`moved` costs one more look, and nothing is lost."""
    publish = post.link.publish
    spoken: list[Any] = []

    def speak_first(reports: Any) -> Any:
        if not spoken:
            spoken.append(post.bus.tell("d", "running", run="p.0"))
        return publish(reports)

    monkeypatch.setattr(post.link, "publish", speak_first)
    post.show_job()
    post.show_pod("p", OOM)
    post.work()
    assert post.ending().code == "oom_killed"
    labels = {"code": "oom_killed", "status": "moved"}
    assert post.metrics.registry.get_sample_value("eightbells_reconciler_verdicts_total", labels) == 1


def test_what_ended_longer_ago_than_records_live_is_not_told_again(post: Post) -> None:
    """Its record has expired: the bus says so, and the Job is settled."""
    post.bus.set(verdict=1000)
    post.show_job()
    post.show_pod("p", OOM)
    post.work()
    assert not post.bus.log()
    assert post.cache.is_settled("j")


def test_two_reconcilers_say_it_once(open_post: Callable[..., Post]) -> None:
    """Both see it, both publish, and there is one ending and no conflict."""
    posts = [open_post(), open_post()]
    for one in posts:
        one.show_job()
        one.show_pod("p", OOM)
    items = [one.worker for one in posts]
    for worker in items:
        worker.work(0.0)
    assert len(posts[0].endings()) == 1
    assert all(one.cache.is_settled("j") for one in posts)
    assert "conflicts" not in posts[0].bus.record("d")


def test_a_failure_of_what_is_being_cancelled_is_cancelled(post: Post) -> None:
    """The exit code stays, and what it would have been is its cause."""
    post.bus.register("d", cluster="c")
    post.bus.cancel("d")
    post.show_job()
    post.show_pod("p", terminated(143))
    post.work()
    data = post.ending()
    assert (data.code, data.fault, data.exit_code, data.cause) == ("cancelled", "cancelled", 143, "signalled")


def test_a_second_job_with_the_same_id_is_not_believed(post: Post) -> None:
    """The record names the Job that was seen first; another one is passed over, once."""
    post.bus.register("d", cluster="c", job_uid="j")
    post.show_job("copy", name="copy")
    post.show_pod("p", OOM, job="copy")
    post.work()
    assert not post.endings()
    assert post.cache.is_settled("copy")


def test_a_job_of_another_bus_is_passed_over(post: Post) -> None:
    """Its label is the hash of another namespace: nothing is published for it."""
    job = make_job("j")
    post.agenda.put(*post.cache.put_job(job))
    post.show_pod("p", OOM, dispatch="dispatch-j")
    post.work()
    assert not post.bus.log()
    assert post.cache.is_settled("j")


def test_an_id_that_is_none_is_passed_over(post: Post) -> None:
    """Anybody can write an annotation: one that is no dispatch id costs nobody anything."""
    post.show_job(dispatch="{not an id}")
    post.show_pod("p", OOM, dispatch="{not an id}")
    post.work()
    assert not post.bus.log()
