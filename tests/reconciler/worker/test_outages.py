"""The bus goes away and comes back, with or without what it had: nothing is lost, and nothing is said twice."""

import pytest
from eightbells.reconciler.worker.errors import BusDown

from tests.bus.bus import Bus, report
from tests.reconciler.informer.objects import terminated
from tests.reconciler.worker.looping import running
from tests.reconciler.worker.post import Post
from tests.waiting import wait_until


def test_what_ends_while_the_bus_is_down_is_told_when_it_is_back(post: Post) -> None:
    """The ids wait, and the verdict is derived again."""
    post.bus.server.kill()
    post.show_job()
    post.show_pod("p", terminated(3))
    for _ in range(3):
        with pytest.raises(BusDown):
            post.work()
    assert post.agenda.depth == 1
    post.bus.server.start()
    post.bus = Bus(post.bus.server)
    post.work()
    assert post.ending().exit_code == 3


def test_a_server_that_was_restarted_is_checked(post: Post) -> None:
    """Its run_id is another one: it may have lost what it acknowledged."""
    post.continuity.check()
    post.continuity.check()
    assert post.lost == 0
    post.bus.server.restart()
    post.continuity.check()
    assert post.lost == 1


def test_a_server_that_does_not_name_itself_is_checked_after_every_outage(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knows whether it is the same one."""
    monkeypatch.setattr(post.link, "run_id", lambda: None)
    post.continuity.check()
    post.continuity.check()
    assert post.lost == 0
    post.continuity.failed(BusDown("gone"))
    post.continuity.check()
    assert post.lost == 1
    post.continuity.check()
    assert post.lost == 1


def test_what_was_settled_is_judged_again_only_with_its_pods(post: Post) -> None:
    """The Jobs are listed before the pods: until both are, a Job that failed without any has not lost its cause."""
    post.show_job()
    post.show_pod("p", terminated(3))
    post.work()
    post.bus.client.flushall()
    post.cache.forget_settled()
    post.fail_job()
    post.pass_seconds_unlisted(30)
    post.work()
    assert not post.bus.log()
    post.show_pod("p", terminated(3))
    post.list_all()
    post.work()
    assert post.ending().exit_code == 3


def test_an_outage_is_said_once(post: Post, caplog: pytest.LogCaptureFixture) -> None:
    """One line when it begins, one when it ends."""
    with caplog.at_level("WARNING"):
        for _ in range(5):
            post.continuity.failed(BusDown("gone"))
        post.continuity.check()
        assert post.continuity.is_down
        post.continuity.worked()
        post.continuity.worked()
    said = [one.action for one in caplog.records]  # type: ignore[attr-defined]
    assert said == ["outage_began", "outage_ended"]


def test_ten_thousand_jobs_that_have_ended_cost_reads_in_batches(post: Post) -> None:
    """At start they are read in batches, and nothing is published."""
    count = 2000
    for start in range(0, count, 100):
        post.bus.publish(*[report(f"d{number}", run="r") for number in range(start, start + 100)])
    for number in range(count):
        post.show_pod(f"p{number}", terminated(0), job=f"j{number}", dispatch=f"d{number}")
        post.show_job(f"j{number}", f"d{number}")
    calls = scripts_run(post)
    post.work()
    assert scripts_run(post) == calls
    assert all(post.cache.is_settled(f"j{number}") for number in range(count))
    assert not post.cache.uids()


def scripts_run(post: Post) -> int:
    """Every publish is a script."""
    return int(post.bus.client.info("commandstats")["cmdstat_evalsha"]["calls"])


def test_a_full_server_is_one_outage(post: Post, caplog: pytest.LogCaptureFixture) -> None:
    """It answers and takes nothing: that is said once, and what waits is told when it has room."""
    post.bus.server.config_set("maxmemory", 1)
    post.show_job()
    post.show_pod("p", terminated(3))
    with caplog.at_level("WARNING"), running(post):
        wait_until(lambda: post.continuity.is_down, "it notices")
        post.bus.server.config_set("maxmemory", 0)
        wait_until(lambda: not post.continuity.is_down, "it is over")
    assert post.ending().exit_code == 3
    assert [one.action for one in caplog.records] == ["outage_began", "outage_ended"]  # type: ignore[attr-defined]
