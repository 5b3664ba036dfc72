"""Every way in which a stream ends or goes wrong: afterwards the cache equals a fresh list, and each object that
vanished meanwhile was announced exactly once.
"""

from itertools import pairwise
from pathlib import Path

import pytest
from eightbells.reconciler.informer.pace import Timings

from tests.reconciler.informer.breaking import CLOSE, ENDS, EXPIRED, HALF, RESET, SILENCE, SLOW, Refusal
from tests.reconciler.informer.lookout import FAST, STEADY, Lookout, looking
from tests.reconciler.informer.objects import job_dict, pod_dict, running, terminated
from tests.reconciler.informer.stage import Fault, Stage
from tests.waiting import wait_until


def fill(stage: Stage) -> None:
    for number in range(4):
        stage.put("jobs", job_dict(f"j{number}"))
        stage.put("pods", pod_dict(f"p{number}", f"j{number}", running()))


def change_behind_its_back(stage: Stage) -> None:
    """One pod and one Job vanish, one changes, one comes, and one name gets another UID."""
    stage.delete("pods", "p0")
    stage.delete("jobs", "j1")
    stage.put("pods", pod_dict("p2", "j2", terminated(3)))
    stage.put("jobs", job_dict("new"))
    stage.delete("jobs", "j3")
    stage.put("jobs", job_dict("swapped", "job-j3"))


def expect(lookout: Lookout, stage: Stage) -> None:
    lookout.wait_until_same(stage)
    wait_until(lambda: sum(lookout.ended.values()) == 3, "what vanished is announced")
    assert lookout.ended == {"p0": 1, "j1": 1, "j3": 1}
    assert lookout.called["new"] == lookout.called["swapped"] == 1
    assert lookout.informer.is_alive


@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize("kind", ["jobs", "pods"])
def test_a_stream_that_ends(stage: Stage, tmp_path: Path, kind: str, how: str) -> None:
    """It had lines, and ends in some way: what comes then is seen all the same."""
    fill(stage)
    with looking(stage, tmp_path) as lookout:
        lookout.wait_until_same(stage)
        lookout.mark(stage, kind)
        stage.cut(kind, how)
        change_behind_its_back(stage)
        expect(lookout, stage)


@pytest.mark.parametrize(
    "fault", [*ENDS, SILENCE, SLOW, *map(Refusal, (401, 403, 410, 429, 500, 503)), Refusal(429, "1")]
)
def test_a_watch_that_goes_wrong_from_the_start(stage: Stage, tmp_path: Path, fault: Fault) -> None:
    """Whatever happens in that gap comes by the next watch, or by the list before it."""
    fill(stage)
    with looking(stage, tmp_path, timings=FAST) as lookout:
        lookout.wait_until_same(stage)
        with stage.gap():
            change_behind_its_back(stage)
        stage.fail("jobs", "watch", fault, fault)
        stage.fail("pods", "watch", fault)
        expect(lookout, stage)


@pytest.mark.parametrize("fault", [SILENCE, SLOW])
def test_a_stream_that_never_brings_a_line(stage: Stage, tmp_path: Path, fault: Fault) -> None:
    """It is open and healthy, and perhaps bytes come: it is given up, and what happened meanwhile is seen."""
    fill(stage)
    with looking(stage, tmp_path, timings=FAST) as lookout:
        lookout.wait_until_same(stage)
        for kind in ("jobs", "pods"):
            lookout.mark(stage, kind)
            stage.fail(kind, "watch", fault)
            stage.cut(kind, CLOSE)
        wait_until(lambda: all(stage.count(kind, "watch") >= 2 for kind in ("jobs", "pods")), "it is watched again")
        change_behind_its_back(stage)
        expect(lookout, stage)


@pytest.mark.parametrize("fault", [RESET, *map(Refusal, (401, 403, 410, 429, 500, 503))])
def test_a_list_that_goes_wrong(stage: Stage, tmp_path: Path, fault: Fault) -> None:
    """It is made again from its first page, and only a complete one tells what is gone."""
    fill(stage)
    with looking(stage, tmp_path) as lookout:
        lookout.wait_until_same(stage)
        stage.compact()
        with stage.gap():
            change_behind_its_back(stage)
        stage.fail("jobs", "list", fault, fault)
        stage.fail("pods", "list", fault)
        lookout.informer.relist()
        expect(lookout, stage)


@pytest.mark.parametrize("fault", [CLOSE, HALF, RESET, SILENCE, EXPIRED, Refusal(410), Refusal(503)])
def test_a_watch_without_a_complete_line_is_followed_by_a_list(stage: Stage, tmp_path: Path, fault: Fault) -> None:
    """A version from the future would be answered by silence for ever."""
    with looking(stage, tmp_path, timings=FAST if fault == SILENCE else STEADY) as lookout:
        watches, lists = stage.count("jobs", "watch"), stage.count("jobs", "list")
        stage.fail("jobs", "watch", fault)
        lookout.mark(stage, "jobs")
        stage.cut("jobs", CLOSE)
        wait_until(lambda: stage.count("jobs", "watch") >= watches + 2, "it is watched again")

    verbs = [one.verb for one in stage.asked if one.kind == "jobs"][watches + lists :]
    assert verbs[:3] == ["watch", "list", "watch"]


@pytest.mark.parametrize("fault", [Refusal(429, "1"), Refusal(403), Refusal(401)])
def test_a_watch_that_is_refused_is_asked_for_again(stage: Stage, tmp_path: Path, fault: Fault) -> None:
    """A list would be a heavier request to who is overloaded, or has just said no."""
    with looking(stage, tmp_path) as lookout:
        lookout.mark(stage, "jobs")
        stage.fail("jobs", "watch", fault)
        stage.cut("jobs", CLOSE)
        wait_until(lambda: stage.count("jobs", "watch") == 3, "it is watched again")

    assert stage.count("jobs", "list") == 1


@pytest.mark.parametrize("line", ["bookmark", "change"])
def test_a_stream_with_lines_is_taken_up_where_it_ended(stage: Stage, tmp_path: Path, line: str) -> None:
    """An ordinary end costs no list; the last line's version is the one to go on from, be it only a bookmark."""
    with looking(stage, tmp_path) as lookout:
        stage.put("pods", pod_dict("p", "k"))
        if line == "bookmark":
            lookout.mark(stage, "jobs")
        else:
            stage.put("jobs", job_dict("before"))
            wait_until(lambda: lookout.called["before"], "the Job is announced")
        version = stage.version
        stage.cut("jobs", CLOSE)
        wait_until(lambda: stage.count("jobs", "watch") == 2, "it is watched again")
        stage.put("jobs", job_dict("j"))
        wait_until(lambda: lookout.called["j"], "the Job is announced")

    assert stage.count("jobs", "list") == 1
    again = [one.params for one in stage.asked if (one.kind, one.verb) == ("jobs", "watch")][1]
    assert again["resourceVersion"] == str(version)


def test_a_compacted_history_is_listed_again(stage: Stage, tmp_path: Path) -> None:
    """The version is too old, which is said in the stream."""
    fill(stage)
    with looking(stage, tmp_path) as lookout:
        lookout.wait_until_same(stage)
        lookout.mark(stage, "jobs")
        with stage.gap():
            change_behind_its_back(stage)
            stage.compact()
        expect(lookout, stage)

        assert lookout.relists("expired")


def test_an_older_state_with_lower_versions_is_believed(stage: Stage, tmp_path: Path) -> None:
    """As etcd is when it was restored from a backup: our versions are from the future, and what came since is gone."""
    fill(stage)
    version, objects = stage.backup()
    with looking(stage, tmp_path, timings=FAST) as lookout:
        lookout.wait_until_same(stage)
        for number in range(50):
            stage.put("jobs", job_dict("j0", status={"active": number}))
        stage.put("pods", pod_dict("since", "j0"))
        lookout.wait_until_same(stage)

        stage.restore(version, objects)
        lookout.wait_until_same(stage)
        stage.put("jobs", job_dict("j0", status={"failed": 1}))
        lookout.wait_until_same(stage)
        wait_until(lambda: lookout.ended["since"], "what came since is announced as gone")

    assert lookout.ended == {"since": 1}


@pytest.mark.parametrize("fault", [CLOSE, RESET, Refusal(410), Refusal(503)])
def test_a_watch_that_always_closes_is_no_busy_loop(stage: Stage, tmp_path: Path, fault: Fault) -> None:
    """Less than one request in a gap for each resource, lists included, and ever fewer."""
    timings = Timings(gap=0.1, ceiling=0.4)
    stage.fail("jobs", "watch", *[fault] * 1000)
    with looking(stage, tmp_path, timings=timings):
        wait_until(lambda: stage.count("jobs", "watch") >= 6, "it has tried several times")

    asked = [one.at for one in stage.asked if one.kind == "jobs"]
    assert asked[-1] - asked[0] >= 0.8 * timings.gap * (len(asked) - 1)
    if fault == RESET:
        return
    watches = [one.at for one in stage.asked if (one.kind, one.verb) == ("jobs", "watch")]
    assert max(later - earlier for earlier, later in pairwise(watches)) > timings.gap


def test_what_we_may_not_see_is_said_once_and_tried_slowly(
    stage: Stage, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is no outage, and it goes on when somebody grants it."""
    caplog.set_level("INFO")
    stage.fail("jobs", "list", *[Refusal(403)] * 3)
    with looking(stage, tmp_path) as lookout:
        wait_until(lambda: stage.count("jobs", "list") == 4, "it is granted")
        lookout.mark(stage, "jobs")

    assert any("in view again" in one.message for one in caplog.records)
    said = [one for one in caplog.records if "not in view" in one.message]
    assert len(said) == 1
    assert "GET /apis/batch/v1/jobs: 403 as the test says; grant" in said[0].__dict__["error"]


def test_a_stopped_informer_calls_nobody(stage: Stage, tmp_path: Path) -> None:
    """It ends at once, in the middle of a back-off and of a silent stream."""
    stage.fail("pods", "watch", Refusal(403))
    with looking(stage, tmp_path, timings=Timings(ceiling=1000, silence=1000)) as lookout:
        stage.put("jobs", job_dict("j"))
        wait_until(lambda: lookout.called["j"], "it is at work")
        lookout.informer.stop()
        stage.put("jobs", job_dict("k"))

    assert not lookout.called["k"]
