"""Jobs and pods as a watch shows them: as little as a test says, and the rest as it usually is."""

from typing import Any

import msgspec
from eightbells.reconciler.objects import Job, Pod

NAMESPACE = "batch"


def job_dict(uid: str, name: str = "", **more: Any) -> dict[str, Any]:
    """A Job with our label and its dispatch; `more` are status, metadata or spec fields by section."""
    name = name or f"job-{uid}"
    metadata = {
        "name": name,
        "namespace": NAMESPACE,
        "uid": uid,
        "creationTimestamp": "2026-11-25T10:00:00Z",
        "labels": {"eightbells.io/dispatch": "0f"},
        "annotations": {"eightbells.io/dispatch-id": f"dispatch-{uid}"},
        **more.pop("metadata", {}),
    }
    return {"metadata": metadata, "spec": {"backoffLimit": 0}, "status": {}, **more}


def pod_dict(uid: str, job: str, *statuses: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A scheduled pod of a Job, with the statuses of its containers."""
    metadata = {
        "name": f"pod-{uid}",
        "namespace": NAMESPACE,
        "uid": uid,
        "labels": {"eightbells.io/dispatch": "0f"},
        "ownerReferences": [{"kind": "Job", "name": f"job-{job}", "uid": job, "controller": True}],
        **more.pop("metadata", {}),
    }
    scheduled = {"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-11-25T10:00:01Z"}
    status = {"phase": "Pending", "conditions": [scheduled], "containerStatuses": list(statuses)}
    spec = {"nodeName": "node-1", "containers": [{"name": "main", "image": "registry.example/etl:7"}]}
    return {"metadata": metadata, "spec": spec, "status": status, **more}


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    """Main waits."""
    return {"name": "main", "state": {"waiting": {"reason": reason, "message": message}}}


def running() -> dict[str, Any]:
    """Main runs."""
    return {"name": "main", "state": {"running": {"startedAt": "2026-11-25T10:00:02Z"}}}


def terminated(code: int, reason: str = "Error", **more: Any) -> dict[str, Any]:
    """Main has ended."""
    return {"name": "main", "state": {"terminated": {"exitCode": code, "reason": reason, **more}}}


def make_job(uid: str, name: str = "", **more: Any) -> Job:
    return msgspec.convert(job_dict(uid, name, **more), Job)


def make_pod(uid: str, job: str, *statuses: dict[str, Any], **more: Any) -> Pod:
    return msgspec.convert(pod_dict(uid, job, *statuses, **more), Pod)
