"""What waits is ended after its grace, and never before we saw it wait for a while ourselves."""

from collections.abc import Callable
from typing import Any

import pytest
from eightbells.events.codes import Code
from eightbells.reconciler.graces import Graces

from tests.reconciler.informer.objects import running, waiting
from tests.reconciler.worker.post import Post

BACK_OFF = waiting("ImagePullBackOff", 'failed to resolve reference "registry.example/etl:7": not found')
HUNG = waiting("CreateContainerConfigError", 'secret "s" not found')


def test_what_waits_is_ended_when_its_grace_is_over(post: Post) -> None:
    """Nothing is said before, and the ending says that it may still start."""
    post.show_job()
    post.show_pod("p", BACK_OFF)
    post.work()
    post.pass_seconds(179)
    post.work()
    assert not post.bus.log()
    post.pass_seconds(5)
    post.work()
    assert (post.ending().code, post.ending().may_still_start) == ("image_not_found", True)


def found_waiting(post: Post, state: dict[str, Any] = HUNG) -> None:
    """A reconciler starts, and a pod has waited for an hour."""
    post.time.seconds += 3600
    post.show_job()
    post.show_pod("p", state)
    post.list_all()
    post.work()


def test_what_is_found_waiting_at_start_is_watched_for_a_while(open_post: Callable[..., Post]) -> None:
    """It may be about to start: it is seen waiting for a minute first."""
    post = open_post(is_synced=False)
    found_waiting(post)
    assert not post.bus.log()
    post.pass_seconds(59)
    post.work()
    assert not post.bus.log()
    post.pass_seconds(2)
    post.work()
    assert post.ending().code == "container_config_error"


def test_a_pull_that_is_found_failing_is_watched_for_a_whole_back_off(open_post: Callable[..., Post]) -> None:
    """The kubelet tries again only every five minutes: the registry may have healed."""
    post = open_post(is_synced=False)
    found_waiting(post, BACK_OFF)
    for seconds in (61, 118):
        post.pass_seconds(seconds)
        post.work()
        assert not post.bus.log()
    post.pass_seconds(2)
    post.work()
    assert post.ending().code == "image_not_found"


def test_what_starts_meanwhile_is_not_ended(open_post: Callable[..., Post]) -> None:
    """And its waiting is forgotten."""
    post = open_post(is_synced=False)
    found_waiting(post)
    post.show_pod("p", running())
    post.pass_seconds(600)
    post.work()
    assert not post.bus.log()


def test_an_installation_has_graces_of_its_own(open_post: Callable[..., Post]) -> None:
    """A shorter one ends sooner."""
    post = open_post(graces=Graces(by_code={Code.IMAGE_NOT_FOUND: 2}))
    post.show_job()
    post.show_pod("p", BACK_OFF)
    post.work()
    post.pass_seconds(5)
    post.work()
    assert post.ending().code == "image_not_found"


def test_a_dispatch_says_how_long_it_may_take_to_start(post: Post) -> None:
    """Its start timeout caps the grace, and the time that we watch."""
    post.show_job(metadata={"annotations": {"eightbells.io/start-timeout": "10"}})
    post.show_pod("p", BACK_OFF)
    post.work()
    post.pass_seconds(12)
    post.work()
    assert post.ending().code == "image_not_found"


def test_a_job_that_goes_away_between_two_lists_is_warned_of(
    open_post: Callable[..., Post], caplog: pytest.LogCaptureFixture
) -> None:
    """Its ttl must be three intervals; said once."""
    post = open_post(poll=100.0)
    with caplog.at_level("WARNING"):
        for name, ttl in (("a", 300), ("b", 299), ("c", 1)):
            post.show_job(name, name, spec={"ttlSecondsAfterFinished": ttl})
            post.work()
    assert [(one.action, one.dispatch) for one in caplog.records] == [("ttl_too_short", "b")]  # type: ignore[attr-defined]


def test_once_takes_what_waits_at_its_word(open_post: Callable[..., Post]) -> None:
    """A reconciler that does not stay cannot watch for a while."""
    post = open_post(is_once=True, is_synced=False)
    found_waiting(post)
    assert post.ending().code == "container_config_error"
