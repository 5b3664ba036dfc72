"""The attempts of a dispatch, as they end: which run, why, and whether it is charged."""

from typing import Any

import msgspec
from eightbells.reconciler.attempts import list_attempts
from eightbells.reconciler.objects import Job, Pod
from eightbells.reconciler.snapshot import Sighting, Snapshot

from tests.reconciler.cases import JOB, POD, START, all_cases, merge, timed


def ended(code: int, started: str, finished: str, reason: str = "Error") -> dict[str, Any]:
    return {"terminated": {"exitCode": code, "reason": reason, "startedAt": started, "finishedAt": finished}}


def pod(**more: Any) -> Pod:
    return msgspec.convert(timed(merge(POD, more)), Pod)


def told(*sightings: Sighting) -> list[tuple[str, str, bool | None]]:
    """Run, code and charge of each attempt of a Job with three retries."""
    job = msgspec.convert(timed(merge(JOB, {"spec": {"backoffLimit": 3}})), Job)
    attempts = list_attempts(Snapshot(job=job, pods=sightings, events=()), START)
    return [(one.run, one.finding.code.value, one.finding.charged) for one in attempts]


def main(**status: Any) -> dict[str, Any]:
    return {"containerStatuses": [{"name": "main", **status}]}


def test_attempts_come_in_the_order_in_which_their_pods_were_made() -> None:
    """A pod that failed and its replacement are two attempts, the older one first, each charged as its code says."""
    late = pod(
        metadata={"name": "etl-a", "uid": "late", "creationTimestamp": "T+20"},
        status=main(state=ended(3, "T+21", "T+22")),
    )
    condition = {"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"}
    early = pod(
        metadata={"name": "etl-z", "uid": "early"},
        status={"phase": "Failed", "conditions": [condition], **main(state=ended(143, "T+5", "T+9"))},
    )

    assert told(Sighting(pod=late), Sighting(pod=early)) == [
        ("early.0", "scheduler_preempted", False),
        ("late.0", "exit_nonzero", True),
    ]


def test_a_container_that_is_started_again_has_an_attempt_for_each_end_that_shows() -> None:
    """Under OnFailure the end before the present one is an attempt, and the one that runs is none yet."""
    waiting = {"waiting": {"reason": "CrashLoopBackOff"}}
    status = main(restartCount=4, state=waiting, lastState=ended(137, "T+5", "T+9", "OOMKilled"))

    assert told(Sighting(pod=pod(spec={"restartPolicy": "OnFailure"}, status=status))) == [
        ("pod-uid.3", "oom_killed", True)
    ]


def test_what_an_earlier_sight_showed_is_an_attempt_too() -> None:
    """The last termination before the Job deleted the pod was seen, and the kill that the deletion brought is none."""
    spec = {"restartPolicy": "OnFailure"}
    before = main(restartCount=1, state={"running": {"startedAt": "T+20"}}, lastState=ended(4, "T+5", "T+9"))
    gone = {"deletionTimestamp": "T+51", "deletionGracePeriodSeconds": 30}
    after = main(restartCount=1, state=ended(137, "T+20", "T+50"))
    sighting = Sighting(pod=pod(metadata=gone, spec=spec, status=after), before=pod(spec=spec, status=before))

    assert told(sighting)[0] == ("pod-uid.0", "exit_nonzero", True)


def test_whom_the_job_deleted_is_no_attempt() -> None:
    """At its own end the Job deletes its other pods: those have not ended by themselves."""
    failed = pod(status={"phase": "Failed", **main(state=ended(3, "T+5", "T+9"))})
    gone = {"uid": "victim", "name": "etl-b", "deletionTimestamp": "T+41", "deletionGracePeriodSeconds": 30}
    victim = pod(metadata=gone, status={"phase": "Failed", **main(state=ended(143, "T+5", "T+12"))})
    condition = {"type": "FailureTarget", "status": "True", "lastTransitionTime": "T+11"}
    job = msgspec.convert(timed(merge(JOB, {"status": {"conditions": [condition]}})), Job)
    snapshot = Snapshot(job=job, pods=(Sighting(pod=failed), Sighting(pod=victim)), events=())

    assert [one.run for one in list_attempts(snapshot, START)] == ["pod-uid.0"]


def test_what_runs_has_not_ended() -> None:
    """A pod whose main runs, or has not started, is no attempt that ended."""
    assert told(Sighting(pod=pod(status=main(state={"running": {"startedAt": "T+5"}})))) == []
    assert told(Sighting(pod=pod(status=main(state={"waiting": {"reason": "ErrImagePull"}})))) == []


def test_every_case_has_attempts_that_name_their_pods() -> None:
    """Of any case the attempts are named by their pods, each once."""
    for case in all_cases():
        runs = [one.run for one in list_attempts(case.snapshot, case.now)]
        assert len(set(runs)) == len(runs)
        assert {run.rpartition(".")[0] for run in runs} <= {one.pod.uid for one in case.snapshot.pods}
