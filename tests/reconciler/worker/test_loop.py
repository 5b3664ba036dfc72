"""The loop works, sweeps, waits for what it must, and says how it is."""

from collections.abc import Callable

import pytest
from eightbells.events.codes import Code
from eightbells.reconciler.graces import Graces
from eightbells.reconciler.worker.errors import BusDown

from tests.reconciler.informer.objects import terminated
from tests.reconciler.worker.looping import Watched, make_reconciler, running
from tests.reconciler.worker.post import Post
from tests.waiting import wait_until


def test_it_works_and_sweeps(open_post: Callable[..., Post]) -> None:
    """What changes is told, and so is what nothing announces."""
    post = open_post(graces=Graces(by_code={Code.JOB_MISSING: 0}), sweep_seconds=0.0)
    post.bus.register("missing", cluster="c", namespace="batch", job="none", create_ms=0)
    with running(post):
        post.show_job()
        post.show_pod("p", terminated(7))
        wait_until(lambda: post.endings() and post.endings("missing"), "both are told")
    assert post.ending("missing").code == "job_missing"


def test_nothing_is_told_before_everything_was_listed(open_post: Callable[..., Post]) -> None:
    """A Job that failed would have lost its cause."""
    post = open_post(is_synced=False)
    post.fail_job()
    with running(post) as reconciler:
        assert reconciler.why_not_ready() == "the Jobs and pods have not all been listed yet"
        assert post.agenda.depth == 1
        post.show_pod("p", terminated(7))
        post.list_all()
        wait_until(post.endings, "it is told")
    assert post.ending().exit_code == 7


def test_once_works_everything_off_and_ends(open_post: Callable[..., Post]) -> None:
    """It returns by itself."""
    post = open_post(is_once=True)
    for name in "abc":
        post.show_job(name, name)
        post.show_pod(f"p{name}", terminated(7), job=name, dispatch=name)
    make_reconciler(post).run()
    assert [post.ending(name).exit_code for name in "abc"] == [7, 7, 7]


def test_once_does_not_wait_for_a_bus(open_post: Callable[..., Post]) -> None:
    """Whoever runs it once is told that it did not work."""
    post = open_post(is_once=True)
    post.bus.server.kill()
    post.show_job()
    with pytest.raises(BusDown):
        make_reconciler(post).run()


def test_it_says_why_it_is_not_well(post: Post) -> None:
    """A thread that has ended, a loop that does not turn, a bus that is away."""
    watched = Watched(post)
    reconciler = make_reconciler(post, watched)
    assert (reconciler.why_not_alive(), reconciler.why_not_ready()) == (None, None)
    post.continuity.failed(BusDown("gone"))
    assert reconciler.why_not_ready() == "the bus does not answer"
    post.time.seconds += 121
    assert reconciler.why_not_alive() == "the loop has not turned for 121 s"
    watched.is_alive = False
    assert reconciler.why_not_alive() == "a thread that watches has ended"
