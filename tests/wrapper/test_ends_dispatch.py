"""The wrapper ends its dispatch only where its run alone decides; otherwise it says how the attempt ended."""

import signal

import pytest

from tests.wrapper.wrapping import Dispatch

POD = {
    "EIGHTBELLS_CLUSTER": "c1",
    "EIGHTBELLS_POD_NAMESPACE": "ns",
    "EIGHTBELLS_POD": "job-x-abcde",
    "EIGHTBELLS_POD_UID": "6a0f0c0e-0000-4000-8000-000000000001",
    "EIGHTBELLS_JOB": "job-x",
    "EIGHTBELLS_JOB_UID": "6a0f0c0e-0000-4000-8000-000000000002",
    "EIGHTBELLS_NODE": "node-1",
    "EIGHTBELLS_CONTAINER": "main",
    "EIGHTBELLS_IMAGE": "registry.example/app:1",
}


@pytest.mark.parametrize(
    ("command", "state"), [("exit 0", "completed"), ("exit 7", "failed"), ("kill -9 $$", "failed")]
)
def test_in_a_pod_a_run_that_decides_alone_ends_the_dispatch(dispatch: Dispatch, command: str, state: str) -> None:
    """Without retries, with one completion, untold: the ending comes from the wrapper, with its place and run."""
    dispatch.run("sh", "-c", command, env={**POD, "EIGHTBELLS_RESTART_COUNT": "0"})
    ending = dispatch.ending
    assert ending.state == ("completed" if command == "exit 0" else "failed")
    assert ending.run == POD["EIGHTBELLS_POD_UID"] + ".0"
    assert ending.place is not None
    assert (ending.place.cluster, ending.place.namespace, ending.place.pod) == ("c1", "ns", "job-x-abcde")
    assert (ending.place.job, ending.place.node, ending.place.image) == ("job-x", "node-1", "registry.example/app:1")
    assert dispatch.events[-1].source == "/eightbells/wrapper/ns/job-x-abcde"
    assert dispatch.record["uid"] == POD["EIGHTBELLS_JOB_UID"]
    (attempt,) = ending.attempts
    assert (attempt.number, attempt.run, attempt.code) == (1, ending.run, ending.code)


DIGEST = "@sha256:" + "a1" * 32


@pytest.mark.parametrize(
    ("image", "image_id"),
    [
        ("registry.example:5000/app", None),
        ("registry.example:5000/app:1", None),
        (f"registry.example:5000/team/app:1{DIGEST}", f"registry.example:5000/team/app{DIGEST}"),
        (f"app:1{DIGEST}", f"app{DIGEST}"),
        (f"app{DIGEST}", f"app{DIGEST}"),
        (f"{'a' * 255}:{'b' * 128}@sha512:{'c' * 128}", f"{'a' * 255}@sha512:{'c' * 128}"),
        ("", None),
    ],
)
def test_an_image_by_its_digest_is_the_image_that_ran(dispatch: Dispatch, image: str, image_id: str | None) -> None:
    """Every event says which; of an image that is named by a tag alone nobody in the container knows."""
    dispatch.run("true", env={**POD, "EIGHTBELLS_IMAGE": image})
    places = [event.data.place for event in dispatch.events]
    assert [place and place.image_id for place in places] == [image_id, image_id]
    assert [(place and place.image) or "" for place in places] == [image, image]


@pytest.mark.parametrize("more", [{"EIGHTBELLS_RETRIES": "1"}, {"JOB_COMPLETION_INDEX": "0"}], ids=str)
@pytest.mark.parametrize("code", [0, 7])
def test_where_another_run_may_decide_it_is_an_attempt(dispatch: Dispatch, more: dict[str, str], code: int) -> None:
    """With retries or several completions the Job decides; the attempt carries all there is to know."""
    assert dispatch.run("sh", "-c", f"echo out; exit {code}", env={**POD, **more}).exit_code == code
    assert dispatch.states == ["running", "attempt_ended"]
    attempt = dispatch.events[-1].data
    assert (attempt.exit_code, attempt.attempts) == (code, ())
    assert attempt.code == ("exit_nonzero" if code else "exited_zero")
    assert attempt.stdout is not None
    assert attempt.stdout.tail == "out\n"


@pytest.mark.parametrize("answer", ["-", "exit 0", "exit 3", "sleep 0.3; exit 0"])
def test_a_command_that_somebody_told_to_stop_is_an_attempt(dispatch: Dispatch, answer: str) -> None:
    """However it answers the TERM of a drain or a deletion, dying (`-`) too, what that means is for the Job to say."""
    process = dispatch.start("sh", "-c", f"trap '{answer}' TERM; echo ready; sleep 60 & wait", env=POD)
    process.hears(b"ready\n")
    process.send_signal(signal.SIGTERM)
    process.finish()
    assert dispatch.states == ["running", "attempt_ended"]
    assert dispatch.events[-1].data.terminated_by == "SIGTERM"


def test_a_command_that_had_to_be_killed_is_an_attempt(dispatch: Dispatch) -> None:
    """A drain that ends with our KILL is still a drain."""
    grace = {"EIGHTBELLS_GRACE": "4s", "EIGHTBELLS_RESERVE": "3s"}
    process = dispatch.start("sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done", env={**POD, **grace})
    process.hears(b"ready\n")
    process.send_signal(signal.SIGTERM)
    assert process.finish().exit_code == 137
    assert dispatch.states == ["running", "attempt_ended"]
    assert dispatch.events[-1].data.terminated_by == "SIGTERM, SIGKILL"


def test_its_own_deadline_is_not_somebody_outside(dispatch: Dispatch) -> None:
    """In a pod, too, a timeout ends the dispatch."""
    dispatch.run("sleep", "60", env={**POD, "EIGHTBELLS_TIMEOUT": "200ms"})
    assert dispatch.ending.code == "deadline_exceeded"


def test_without_a_restart_count_every_start_is_a_run_of_its_own(dispatch: Dispatch) -> None:
    """Two starts in one pod are two attempts, both named by the pod."""
    for _ in range(2):
        dispatch.run("sh", "-c", "exit 7", env={**POD, "EIGHTBELLS_RETRIES": "1"})
    attempts = [event.data for event in dispatch.events if event.data.state == "attempt_ended"]
    assert [attempt.attempt for attempt in attempts] == [1, 2]
    runs = {attempt.run or "" for attempt in attempts}
    assert len(runs) == 2
    assert all(run.startswith(POD["EIGHTBELLS_POD_UID"] + ".") for run in runs)
