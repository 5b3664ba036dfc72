"""Jobs and pods always in view: what is announced, and in which order it is looked at."""

from pathlib import Path

import pytest

from tests.reconciler.informer.breaking import Refusal
from tests.reconciler.informer.lookout import Lookout, looking
from tests.reconciler.informer.objects import job_dict, pod_dict, running, terminated
from tests.reconciler.informer.stage import Stage
from tests.waiting import wait_until


def test_what_is_there_at_the_start_is_announced_when_all_of_it_is_known(stage: Stage, tmp_path: Path) -> None:
    """Once a Job, Jobs before pods, and nothing before the pods have been listed."""
    for number in range(3):
        stage.put("jobs", job_dict(f"j{number}"))
        stage.put("pods", pod_dict(f"p{number}", f"j{number}", running()))
    stage.fail("pods", "list", Refusal(503))

    with looking(stage, tmp_path) as lookout:
        lookout.wait_until_same(stage)
        wait_until(lambda: len(lookout.called) == 3, "all are announced")

    assert set(lookout.called.values()) == {1}
    lists = [one.kind for one in stage.asked if one.verb == "list"]
    assert lists == ["jobs", "pods", "pods"]


def test_every_change_is_announced_and_every_end_once(stage: Stage, tmp_path: Path) -> None:
    """Creation, status, deletion; and what no rule reads is no change."""
    with looking(stage, tmp_path) as lookout:
        stage.put("jobs", job_dict("j"))
        wait_until(lambda: lookout.called["j"] == 1, "the Job is announced")
        stage.put("pods", pod_dict("p", "j", running()))
        wait_until(lambda: lookout.called["j"] == 2, "its pod is announced")
        stage.put("pods", {**pod_dict("p", "j", running()), "managedFields": "x"})
        stage.put("pods", pod_dict("p", "j", terminated(1)))
        stage.delete("pods", "p")
        wait_until(lambda: lookout.ended["p"], "its end is announced")
        stage.delete("jobs", "j")
        wait_until(lambda: lookout.ended["j"], "the Job's end is announced")

    assert lookout.ended == {"p": 1, "j": 1}
    assert lookout.called["j"] == 5
    assert lookout.cache.snapshot("j").pods[0].pod.says.container_statuses


def test_large_lists_are_read_page_by_page_and_with_our_label(stage: Stage, tmp_path: Path) -> None:
    """Without a version, so that nobody answers from an old cache."""
    for number in range(1100):
        stage.put("jobs", job_dict(f"j{number}"))

    with looking(stage, tmp_path) as lookout:
        lookout.wait_until_same(stage)

    pages = [one.params for one in stage.asked if (one.kind, one.verb) == ("jobs", "list")]
    assert len(pages) == 3
    for page in pages:
        assert (page["limit"], page["labelSelector"]) == ("500", "eightbells.io/dispatch")
        assert "resourceVersion" not in page
    watch = next(one.params for one in stage.asked if (one.kind, one.verb) == ("jobs", "watch"))
    assert (watch["resourceVersion"], watch["allowWatchBookmarks"]) == (str(stage.version), "true")
    assert 300 <= int(watch["timeoutSeconds"]) <= 600


def test_only_the_named_namespaces_are_read(stage: Stage, tmp_path: Path) -> None:
    """Each has its own lists and watches, and what one hides takes nothing from the others."""
    for namespace in ("a", "b", "c"):
        stage.put("jobs", job_dict(f"j-{namespace}", metadata={"namespace": namespace}))

    with looking(stage, tmp_path, ("a", "b")) as lookout:
        wait_until(lambda: set(lookout.called) == {"j-a", "j-b"}, "two are announced")
        stage.put("jobs", job_dict("new", metadata={"namespace": "b"}))
        wait_until(lambda: lookout.called["new"], "a new one is announced")

    assert {one.namespace for one in stage.asked} == {"a", "b"}


def test_settled_jobs_are_not_announced_again_by_a_list(stage: Stage, tmp_path: Path) -> None:
    """Until the settled are forgotten: then everything is announced once more."""
    for number in range(3):
        stage.put("jobs", job_dict(f"j{number}"))
    with looking(stage, tmp_path) as lookout:
        wait_until(lambda: len(lookout.called) == 3, "all are announced")
        for number in range(3):
            lookout.cache.settle(f"j{number}")
        lookout.informer.relist()
        stage.put("jobs", job_dict("new"))
        wait_until(lambda: lookout.called["new"] and lookout.relists("asked") == 2, "both are listed again")
        assert set(lookout.called.values()) == {1}

        lookout.cache.forget_settled()
        lookout.informer.relist()
        wait_until(lambda: lookout.called["j2"] == 2, "they are announced again")
        wait_until(lambda: lookout.relists("asked") == 4, "the pods are listed, too")

    assert [lookout.called[f"j{number}"] for number in range(3)] == [2, 2, 2]
    lists = [one.kind for one in stage.asked if one.verb == "list"]
    assert lists == ["jobs", "pods"] * 3, "Jobs first"


def test_pods_wait_for_jobs_also_when_listed_again(stage: Stage, tmp_path: Path) -> None:
    """However long the Jobs take: the pods are never the older half."""
    with looking(stage, tmp_path) as lookout:
        stage.fail("jobs", "list", *[Refusal(503)] * 3)
        lookout.informer.relist()
        wait_until(lambda: stage.count("pods", "list") == 2, "the pods are listed again")

    assert [one.kind for one in stage.asked if one.verb == "list"] == ["jobs", "pods", *["jobs"] * 4, "pods"]


def test_one_broken_object_is_counted_named_once_and_stops_nothing(
    stage: Stage, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """In a list and in a watch; what was known of it stands, and it is not taken for gone."""
    broken = {**job_dict("bad"), "status": {"conditions": "none of your business"}}
    stage.put("jobs", broken)
    with looking(stage, tmp_path) as lookout:
        stage.put("jobs", job_dict("good"))
        wait_until(lambda: lookout.called["good"], "the good one is announced")
        stage.put("jobs", {**job_dict("good"), "status": 7})
        stage.put("jobs", broken)
        for metadata in (None, {}, {"uid": None}, {"uid": ["x"]}, {"uid": "x", "creationTimestamp": "the other day"}):
            stage.send("jobs", "MODIFIED", {"metadata": metadata})
        stage.put("jobs", job_dict("last"))
        wait_until(lambda: lookout.called["last"], "the stream goes on")
        lookout.informer.relist()
        wait_until(lambda: lookout.relists("asked") == 2, "both are listed again")

    assert stage.count("jobs", "watch") <= 2
    assert lookout.cache.snapshot("good").job_gone_at is None
    assert lookout.informer.figures().decode_errors == 10
    named = [one for one in caplog.records if getattr(one, "object", "") == "batch/job-bad"]
    assert len(named) == 1


def test_a_poll_never_watches_and_sees_the_same(stage: Stage, tmp_path: Path) -> None:
    """The same lists and the same difference; what came and went between two of them was never there."""
    stage.put("jobs", job_dict("stays"))
    stage.put("jobs", job_dict("goes"))
    with looking(stage, tmp_path, poll=0.05) as lookout:
        lookout.wait_until_same(stage)
        stage.put("pods", pod_dict("p", "stays", running()))
        stage.delete("jobs", "goes")
        stage.put("jobs", job_dict("comes"))
        lookout.wait_until_same(stage)
        stage.fail("pods", "list", Refusal(500), Refusal(429, "0"))
        stage.delete("pods", "p")
        lookout.wait_until_same(stage)
        wait_until(lambda: lookout.ended["p"], "the end of the pod is announced")
        freshness = lookout.informer.freshness()

    assert lookout.ended == {"goes": 1, "p": 1}
    assert freshness.silence == 0.1
    assert not any(one.verb == "watch" for one in stage.asked)


def test_freshness_is_the_last_complete_line(stage: Stage, tmp_path: Path) -> None:
    """A bookmark is one, and so is any change; nothing before the first list."""
    connection = stage.connect(tmp_path)
    lookout = Lookout(connection)
    assert not lookout.informer.is_synced
    assert not lookout.informer.freshness().is_synced
    assert lookout.informer.freshness().jobs_at is None
    connection.close()

    with looking(stage, tmp_path) as lookout:
        first = lookout.informer.freshness()
        assert first.is_synced
        assert first.jobs_at
        stage.bookmark("jobs")
        wait_until(lambda: (lookout.informer.freshness().jobs_at or 0) != first.jobs_at, "a bookmark makes it fresh")
        assert lookout.informer.freshness().pods_at == first.pods_at
        assert lookout.informer.figures().watch_age < 20
        assert lookout.informer.is_alive

    assert not lookout.informer.is_alive
