"""An API server with as many Jobs and pods as one asks for, each as large as our own are, made when they are asked for.

It lists them, and its watches are silent.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from tests.reconciler.informer.breaking import SILENCE, begin, end
from tests.reconciler.informer.serving import serving

GOLDEN = Path(__file__).parents[2] / "dispatcher" / "golden" / "injected.yaml"
"""A Job as the dispatcher makes it, with the wrapper brought in: an init container and its volumes."""

NUMBER = "0000000"

MANAGED = {"manager": "kubelet", "operation": "Update", "fieldsV1": {f"f:field-{number}": {} for number in range(60)}}


def large_job() -> dict[str, Any]:
    """A Job that runs."""
    job: dict[str, Any] = msgspec.yaml.decode(GOLDEN.read_bytes())
    own = {"name": f"etl-{NUMBER}", "uid": f"j{NUMBER}-a125-4125-b438-1c9ba9d90c99", "managedFields": [MANAGED]}
    job["metadata"] |= {**own, "creationTimestamp": "2026-11-25T17:19:36Z", "resourceVersion": "4711"}
    job["metadata"]["annotations"]["eightbells.io/dispatch-id"] = f"etl-{NUMBER}"
    job["status"] = {"startTime": "2026-11-25T17:19:36Z", "active": 1, "ready": 1, "uncountedTerminatedPods": {}}
    return job


def large_pod() -> dict[str, Any]:
    """Its pod, which runs."""
    job = large_job()
    template = job["spec"]["template"]
    uid = job["metadata"]["uid"]
    labels = {"batch.kubernetes.io/controller-uid": uid, "controller-uid": uid}
    labels |= {"batch.kubernetes.io/job-name": f"etl-{NUMBER}", "job-name": f"etl-{NUMBER}"}
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": f"etl-{NUMBER}", "uid": uid, "controller": True}
    metadata = {
        "name": f"etl-{NUMBER}-x7k2p",
        "namespace": "batch",
        "uid": f"p{NUMBER}-392f-4532-8544-404939dad42a",
        "resourceVersion": "4712",
        "creationTimestamp": "2026-11-25T17:19:36Z",
        "ownerReferences": [{**owner, "blockOwnerDeletion": True}],
        "managedFields": [MANAGED, MANAGED],
        "labels": template["metadata"]["labels"] | labels,
        "annotations": template["metadata"]["annotations"] | {"eightbells.io/dispatch-id": f"etl-{NUMBER}"},
    }
    spec = {**template["spec"], "nodeName": "node-3", "schedulerName": "default-scheduler"}
    return {"metadata": metadata, "spec": spec, "status": pod_status()}


def pod_status() -> dict[str, Any]:
    """What the kubelet says of a pod that runs."""
    moment = "2026-11-25T17:19:37Z"
    kinds = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
    image = {"image": "registry.example/busybox:1.36", "imageID": f"registry.example/busybox@sha256:{'0f' * 32}"}
    container = {"containerID": f"containerd://{'ab' * 32}", "restartCount": 0, "ready": True, **image}
    ended = {"exitCode": 0, "reason": "Completed", "startedAt": moment, "finishedAt": moment}
    return {
        "phase": "Running",
        "conditions": [{"type": kind, "status": "True", "lastTransitionTime": moment} for kind in kinds],
        "hostIP": "10.0.0.3",
        "podIP": "10.1.2.3",
        "startTime": moment,
        "qosClass": "Burstable",
        "initContainerStatuses": [{"name": "eightbells-install", "state": {"terminated": ended}, **container}],
        "containerStatuses": [
            {"name": "main", "started": True, "state": {"running": {"startedAt": moment}}, **container}
        ],
    }


class Crowd:
    """So many Jobs, and so many pods: the first of each Job."""

    def __init__(self, jobs: int = 1, pods: int = 1) -> None:
        self._counts = {"jobs": jobs, "pods": pods}
        self.url = ""
        self.is_over = False
        made = {"jobs": large_job(), "pods": large_pod()}
        self._bytes = {kind: json.dumps(one).encode() for kind, one in made.items()}

    def object(self, kind: str, number: int) -> bytes:
        """The JSON of one."""
        return self._bytes[kind].replace(NUMBER.encode(), b"%07d" % number)

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        params = dict(parse_qsl(parts.query))
        if "watch" in params:
            begin(handler)
            end(handler, SILENCE, lambda: self.is_over)
            return
        kind, first = parts.path.rpartition("/")[2], int(params.get("continue", 0))
        last = min(first + int(params["limit"]), self._counts[kind])
        more = f'"{last}"' if last < self._counts[kind] else '""'
        items = b",".join(self.object(kind, number) for number in range(first, last))
        body = b'{"metadata": {"resourceVersion": "5000", "continue": %s}, "items": [%s]}' % (more.encode(), items)
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    @contextmanager
    def serving(self) -> Iterator["Crowd"]:
        """Serve until the end."""
        with serving(self.serve) as self.url:
            yield self
            self.is_over = True
