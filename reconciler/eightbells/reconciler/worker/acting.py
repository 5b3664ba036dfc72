"""What the reconciler changes in the cluster, and only when it was told to: Jobs it ends early, and its own finalizer.

A Job is deleted after its ending was accepted, and only if it is still as it was when that was decided.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol
from urllib.parse import quote

import msgspec
from eightbells.reconciler.informer.errors import NotFound, Refused
from eightbells.reconciler.marks import DISPATCH_LABEL
from eightbells.reconciler.objects import Job, Pod
from eightbells.reconciler.parts import Thing

FINALIZER = "eightbells.io/ending"
"""On pods whose evidence is kept until their dispatch has its ending."""

PAGE = "500"


class Changing(Protocol):
    """A way to the API that may change things; errors are those of the informer."""

    def get(self, path: str, params: Mapping[str, str] | None = None) -> bytes:
        """Return the answer's body."""

    def change(self, method: str, path: str, body: Any, kind: str = "json") -> bytes:
        """Make one change, with a body of that kind of JSON."""


class _Versioned(msgspec.Struct):
    class Metadata(msgspec.Struct, rename="camel"):
        resource_version: str = ""

    metadata: Metadata


class _Page(msgspec.Struct):
    class Metadata(msgspec.Struct, rename="camel"):
        continue_: str = msgspec.field(default="", name="continue")

    items: list[Pod] | None = None
    metadata: Metadata = msgspec.field(default_factory=Metadata)


def end_early(connection: Changing, job: Job) -> bool:
    """Delete a Job whose dispatch has ended before it started; False where it has moved on, or is gone."""
    path = f"/apis/batch/v1/namespaces/{quote(job.metadata.namespace or '')}/jobs/{quote(job.name)}"
    try:
        body = connection.get(path)
    except NotFound:
        return False
    found = msgspec.json.decode(body, type=Job)
    if found.uid != job.uid or found.status != job.status:
        return False
    version = msgspec.json.decode(body, type=_Versioned).metadata.resource_version
    conditions = {"uid": job.uid, "resourceVersion": version}
    try:
        connection.change("DELETE", path, {"propagationPolicy": "Foreground", "preconditions": conditions})
    except (NotFound, Refused):  # 409: it has moved on since we read it
        return False
    return True


def release(connection: Changing, pods: Iterable[Thing]) -> int:
    """Take our finalizer off the pods that carry it; return how many there were."""
    count = 0
    for pod in pods:
        if FINALIZER not in (pod.metadata.finalizers or ()):
            continue
        path = f"/api/v1/namespaces/{quote(pod.metadata.namespace or '')}/pods/{quote(pod.name)}"
        patch = {"metadata": {"uid": pod.uid, "$deleteFromPrimitiveList/finalizers": [FINALIZER]}}
        try:
            connection.change("PATCH", path, patch, "strategic-merge-patch+json")
        except NotFound:
            continue
        count += 1
    return count


def release_all(connection: Changing, namespaces: Iterable[str]) -> int:
    """Take our finalizer off every pod of these namespaces, or of all where there are none; return how many."""
    paths = [f"/api/v1/namespaces/{quote(name)}/pods" for name in namespaces] or ["/api/v1/pods"]
    return sum(_release_page(connection, path) for path in paths)


def _release_page(connection: Changing, path: str) -> int:
    count, more = 0, ""
    while True:
        params = {"labelSelector": DISPATCH_LABEL, "limit": PAGE, **({"continue": more} if more else {})}
        page = msgspec.json.decode(connection.get(path, params), type=_Page)
        count += release(connection, page.items or ())
        more = page.metadata.continue_
        if not more:
            return count
