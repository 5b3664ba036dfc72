"""What people without events do: the official client's watch, in a process of its own.

`python -m bench.watcher KUBECONFIG NAMESPACE pods|jobs` notes what it sees of every dispatch there, until it is killed.
"""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from eightbells.dispatcher.names import DISPATCH_ANNOTATION
from kubernetes import client, watch

from bench.moments import JOB_DECIDED, JOB_FINISHED, JOB_READY, POD_RUNNING, POD_TERMINATED, note
from tests.cluster.access import connect


def main(kubeconfig: str, namespace: str, kind: str) -> None:
    """Watch one kind of object in one namespace."""
    api = connect(Path(kubeconfig))
    lists = {"pods": client.CoreV1Api(api).list_namespaced_pod, "jobs": client.BatchV1Api(api).list_namespaced_job}
    find_moments = {"pods": moments_of_pod, "jobs": moments_of_job}[kind]
    seen: set[tuple[str, str]] = set()
    for change in watch.Watch().stream(lists[kind], namespace):  # type: ignore[no-untyped-call]
        now = time.time_ns()
        dispatch = change["object"].metadata.annotations[DISPATCH_ANNOTATION]
        for moment in find_moments(change["object"].status):
            if (dispatch, moment) not in seen:
                seen.add((dispatch, moment))
                note(dispatch, moment, now)


def moments_of_pod(status: Any) -> Iterator[str]:
    """Which moments a pod's status shows."""
    for container in status.container_statuses or ():
        if container.state.running:
            yield POD_RUNNING
        if container.state.terminated:
            yield POD_TERMINATED


def moments_of_job(status: Any) -> Iterator[str]:
    """Which moments a Job's status shows."""
    if status.ready:
        yield JOB_READY
    true = {each.type for each in status.conditions or () if each.status == "True"}
    if true & {"SuccessCriteriaMet", "FailureTarget"}:
        yield JOB_DECIDED
    if true & {"Complete", "Failed"}:
        yield JOB_FINISHED


if __name__ == "__main__":
    main(*sys.argv[1:])
