"""What nothing in the cluster announces: dispatches that have no Job, were removed unwatched, or are overdue."""

from collections.abc import Callable
from typing import Any

import pytest
from eightbells.events.codes import Code
from eightbells.events.contract import keys
from eightbells.reconciler.graces import Graces
from eightbells.reconciler.informer.errors import Unavailable
from eightbells.reconciler.worker import sweeper

from tests.bus.bus import report
from tests.reconciler.informer.objects import job_dict, running, terminated
from tests.reconciler.worker.post import Post, marked

JOB = "/apis/batch/v1/namespaces/batch/jobs/job-j"
PLACE: dict[str, Any] = {"cluster": "c", "namespace": "batch", "job": "job-j", "create_ms": 0}
AT_ONCE = Graces(by_code={Code.JOB_MISSING: 0})


def test_a_dispatch_that_never_got_a_job_ends(open_post: Callable[..., Post]) -> None:
    """Registered, never created: job_missing, after one GET."""
    post = open_post(graces=AT_ONCE)
    post.bus.register("d", **PLACE)
    post.sweep()
    assert (post.ending().code, post.ending().fault) == ("job_missing", "cancelled")
    assert post.answers.asked.count(JOB) == 1


def test_a_job_that_may_still_be_created_is_waited_for(post: Post) -> None:
    """Before create_before and its grace nobody is even asked."""
    post.bus.register("d", **PLACE)
    post.sweep()
    assert not post.bus.log()
    assert not post.answers.asked
    post.bus.client.hset(keys.record("test", "d"), "create", post.bus.now() - 91_000)
    post.pass_seconds(91)
    post.work()
    assert post.ending().code == "job_missing"


def test_a_job_that_was_created_is_never_missing(open_post: Callable[..., Post]) -> None:
    """One that is there, though nobody has shown it yet, ends nothing."""
    post = open_post(graces=AT_ONCE)
    post.answers.objects[JOB] = marked(job_dict("j"), "d")
    post.bus.register("d", **PLACE)
    post.sweep()
    assert not post.bus.log()


def test_what_was_removed_while_nobody_watched_does_not_stay_open(post: Post) -> None:
    """The record names the Job, and it is gone: unknown, once."""
    post.bus.register("d", **PLACE, job_uid="j")
    post.sweep()
    assert (post.ending().code, post.ending().fault) == ("unknown", "unknown")


def test_a_job_that_nobody_can_name_is_not_asked_for(post: Post) -> None:
    """A wrapper has spoken for a dispatch that was never registered: where its Job would be nobody knows, and the
    worker does not turn in circles.
    """
    post.bus.set(look=1)
    post.bus.publish(report("d", "running", run="p.0", job_uid="j"), cluster="c")
    post.sweep()
    assert len(post.bus.log()) == 1
    assert not post.answers.asked


def test_nothing_rests_on_absence_while_the_api_does_not_answer(post: Post) -> None:
    """It is put off, and told when the API answers again."""
    post.answers.error = Unavailable("no answer")
    post.bus.register("d", **PLACE, job_uid="j")
    post.sweep()
    assert not post.bus.log()
    post.answers.error = None
    post.pass_seconds(31)
    post.work()
    assert post.ending().code == "unknown"


def test_who_has_to_ask_holds_up_nobody(post: Post) -> None:
    """While the API does not answer, what rests on no answer is told, and only one is asked for in vain."""
    post.answers.error = Unavailable("no answer")
    for name in ("gone1", "gone2", "gone3"):
        post.show_job(name, name)
        post.show_pod(f"pod-of-{name}", running(), job=name, dispatch=name)
        post.remove_job(name)
    post.show_job()
    post.show_pod("p", terminated(7))
    post.work()
    assert post.ending().exit_code == 7
    assert len(post.answers.asked) == 1
    post.answers.error = None
    post.pass_seconds(31)
    post.work()
    assert [post.ending(name).code for name in ("gone1", "gone2", "gone3")] == ["job_deleted"] * 3


def test_nothing_rests_on_an_old_view(post: Post) -> None:
    """A watch that was silent for two minutes says nothing about what is gone."""
    post.bus.register("d", **PLACE, job_uid="j")
    post.time.seconds += 121
    post.sweep()
    assert not post.bus.log()


def test_a_deadline_ends_a_running_job_unless_its_heart_beats(post: Post) -> None:
    """Running for longer than it may: deadline_exceeded, when no heartbeat is left."""
    post.bus.register("d", **PLACE, job_uid="j", deadline_ms=1)
    post.bus.beat("d", life_ms=60_000)
    post.answers.objects[JOB] = marked(job_dict("j"), "d")
    post.show_job()
    post.show_pod("p", running())
    post.sweep()
    assert not post.bus.log()
    post.bus.client.delete(post.bus.key("hb", "d"))
    post.pass_seconds(61)
    post.work()
    assert (post.ending().code, post.ending().may_still_run) == ("deadline_exceeded", True)


def test_what_others_watch_is_left_to_them(open_post: Callable[..., Post]) -> None:
    """A dispatch of another namespace is neither judged nor moved on."""
    post = open_post(namespaces=("mine",), graces=AT_ONCE)
    post.bus.register("d", **PLACE)
    before = post.bus.scores(post.bus.key("open", "c"))
    post.sweep()
    assert not post.bus.log()
    assert post.bus.scores(post.bus.key("open", "c")) == before


def test_a_dry_run_moves_nothing_on(open_post: Callable[..., Post]) -> None:
    """Whoever really looks must still find it due."""
    post = open_post(graces=AT_ONCE, is_dry=True)
    post.bus.register("d", **PLACE)
    before = post.bus.scores(post.bus.key("open", "c"))
    post.sweep()
    assert post.bus.scores(post.bus.key("open", "c")) == before


def test_another_clusters_dispatches_are_not_looked_at(open_post: Callable[..., Post]) -> None:
    """Each cluster has its own list of what is open."""
    post = open_post(graces=AT_ONCE)
    post.bus.register("theirs", **{**PLACE, "cluster": "elsewhere"})
    post.bus.register("d", **PLACE)
    post.sweep()
    assert [one["k"] for one in post.bus.log()] == ["d"]


def test_an_unfinished_job_that_is_gone_was_deleted_after_one_look(post: Post) -> None:
    """The GET decides: while it still finds the Job, nothing is said."""
    post.answers.objects[JOB] = marked(job_dict("j"), "d")
    post.show_job()
    post.show_pod("p", running())
    post.remove_job()
    post.work()
    assert not post.bus.log()
    post.answers.objects.clear()
    post.pass_seconds(31)
    post.agenda.put("j")
    post.work()
    assert post.ending().code == "job_deleted"
    assert post.answers.asked.count(JOB) == 2


def test_a_job_that_only_its_pods_are_left_of_was_deleted(post: Post) -> None:
    """Deleted in the background before anybody saw it: its pods name it, and one look finds it gone."""
    gone = {"deletionTimestamp": "2026-11-25T10:00:30Z", "deletionGracePeriodSeconds": 30}
    post.show_pod("p", running(), metadata=gone)
    post.pass_seconds(41)
    post.work()
    data = post.ending()
    assert (data.code, data.may_still_run) == ("job_deleted", True)
    assert data.place
    assert (data.place.job, data.place.job_uid) == ("job-j", "j")


def test_what_had_ended_before_its_job_was_deleted_is_told_as_it_ended(post: Post) -> None:
    """The pod alone says it."""
    post.show_pod("p", terminated(7))
    post.work()
    assert (post.ending().code, post.ending().exit_code) == ("exit_nonzero", 7)


def test_an_ending_that_the_bus_has_lost_is_noticed(post: Post) -> None:
    """A settled Job whose dispatch is open again: all is listed anew."""
    post.show_job()
    post.show_pod("p", terminated(1))
    post.work()
    post.bus.client.flushall()
    post.bus.register("d", **PLACE, job_uid="j")
    post.sweep()
    assert post.lost == 1


def test_what_others_hold_does_not_hide_what_is_ours(
    open_post: Callable[..., Post], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many of other namespaces are due before it."""
    monkeypatch.setattr(sweeper, "BATCH", 2)
    post = open_post(namespaces=("batch",), graces=AT_ONCE)
    for number in range(3):
        post.bus.register(f"other{number}", **{**PLACE, "namespace": "theirs"})
    post.bus.register("d", **PLACE)
    post.sweep()
    assert post.ending().code == "job_missing"
