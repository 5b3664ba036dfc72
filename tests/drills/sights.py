"""When the API first showed of each dispatch what its ending rests on, seen by a watch that is nobody else's."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from kubernetes import watch
from kubernetes.client import ApiException
from urllib3.exceptions import HTTPError

from tests.cluster.access import Access

SELECTOR = "eightbells.io/dispatch"
SECONDS = 5
"""Of one request, and so the time that it takes to end."""

QUIET = {"ContainerCreating", "PodInitializing"}
DECISIVE = {"FailureTarget", "Failed", "SuccessCriteriaMet", "Complete"}


class Sights:
    """Times by dispatch."""

    def __init__(self) -> None:
        self._at: dict[str, list[float]] = {}

    def note(self, event: Mapping[str, Any]) -> None:
        """Note an event of a watch."""
        thing = event["raw_object"]
        dispatch = (thing["metadata"].get("annotations") or {}).get("eightbells.io/dispatch-id")
        if dispatch and (event["type"] == "DELETED" or is_telling(thing)):
            self._at.setdefault(dispatch, []).append(time.time())

    def first(self, dispatch: str, since: float) -> float | None:
        """The first since a moment."""
        return next((at for at in self._at.get(dispatch, ()) if at >= since), None)


def is_telling(thing: Mapping[str, Any]) -> bool:
    """Whether a Job or pod shows an end, or why it cannot start."""
    status = thing.get("status") or {}
    if thing["metadata"].get("deletionTimestamp") or status.get("phase") in ("Failed", "Succeeded"):
        return True
    conditions = [(one["type"], one["status"]) for one in status.get("conditions") or ()]
    if ("PodScheduled", "False") in conditions or any((kind, "True") in conditions for kind in DECISIVE):
        return True
    states = [one.get("state") or {} for name in STATUSES for one in status.get(name) or ()]
    reasons = [one["waiting"].get("reason") for one in states if "waiting" in one]
    return any("terminated" in one for one in states) or any(one not in QUIET for one in reasons)


STATUSES = ("containerStatuses", "initContainerStatuses")


@contextmanager
def watching(cluster: Access) -> Iterator[Sights]:
    """Watch the Jobs and pods of all dispatches; both watches have ended at the end."""
    sights, is_over = Sights(), threading.Event()
    lists = (cluster.core.list_pod_for_all_namespaces, cluster.batch.list_job_for_all_namespaces)
    threads = [threading.Thread(target=follow, args=(one, sights, is_over)) for one in lists]
    for thread in threads:
        thread.start()
    try:
        yield sights
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


def follow(list_all: Callable[..., Any], sights: Sights, is_over: threading.Event) -> None:
    """Watch one kind, from a fresh list whenever the API has forgotten where we were."""
    version = ""
    while not is_over.is_set():
        version = version or list_all(label_selector=SELECTOR, limit=1).metadata.resource_version
        following: Any = watch.Watch()  # type: ignore[no-untyped-call]
        told: dict[str, Any] = {"label_selector": SELECTOR, "resource_version": version, "timeout_seconds": SECONDS}
        try:
            for event in following.stream(list_all, **told):
                sights.note(event)
            version = following.resource_version or version
        except (ApiException, HTTPError):
            version = ""
