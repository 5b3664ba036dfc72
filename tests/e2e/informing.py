"""Jobs and pods on a real API server that need no node: no controller runs the Jobs, and no scheduler looks at the
pods. And what a fresh list says of them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
from eightbells.reconciler.informer.connection import Connection
from eightbells.reconciler.informer.pace import Timings
from eightbells.reconciler.objects import Job, Pod
from kubernetes import client

from tests.cluster.access import Access
from tests.e2e.strait import Strait
from tests.reconciler.informer.lookout import Lookout
from tests.waiting import wait_until

LABELS = {"eightbells.io/dispatch": "0f"}
SECONDS = 60
BUSY = 0.05
"""Seconds between two looks: each is a list of the API server's."""

TIMINGS = Timings(gap=0.1, ceiling=1.0, silence=8.0, overdue=8.0)
"""An idle API server says nothing for a minute: so this lists more often than it must, and still seldom."""


class Jobs(msgspec.Struct):
    """A list of them."""

    items: tuple[Job, ...] = ()


class Pods(msgspec.Struct):
    """A list of them."""

    items: tuple[Pod, ...] = ()


class Roads:
    """A namespace with Jobs and pods; each has the UID that the API server gave it."""

    def __init__(self, cluster: Access, namespace: str) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self._fresh = Connection.find(str(cluster.kubeconfig))

    def add_job(self, name: str) -> str:
        """Create a Job that no controller runs; return its UID."""
        template = {"metadata": {"labels": LABELS}, "spec": {"restartPolicy": "Never", "containers": CONTAINERS}}
        annotations = {"eightbells.io/dispatch-id": f"{name}-{uuid4().hex[:6]}"}
        metadata = {"name": name, "labels": LABELS, "annotations": annotations}
        # The controller would let go of the pods below, or delete them.
        spec = {"managedBy": "eightbells.test/nobody", "template": template}
        job: Any = {"metadata": metadata, "spec": spec}
        made: Any = self.cluster.batch.create_namespaced_job(self.namespace, job)
        return str(made.metadata.uid)

    def add_pod(self, name: str, job: str, uid: str) -> str:
        """Create a pod of a Job that stays without a node; return its UID."""
        owner = {"apiVersion": "batch/v1", "kind": "Job", "name": job, "uid": uid, "controller": True}
        metadata = {"name": name, "labels": LABELS, "ownerReferences": [owner]}
        pod: Any = {"metadata": metadata, "spec": {"schedulerName": "nobody", "containers": CONTAINERS}}
        made: Any = self.cluster.core.create_namespaced_pod(self.namespace, pod)
        return str(made.metadata.uid)

    def change_job(self, name: str) -> None:
        """Change what a rule reads of a Job."""
        body = {"spec": {"activeDeadlineSeconds": 4711}}
        self.cluster.batch.patch_namespaced_job(name, self.namespace, body)

    def remove_job(self, name: str) -> None:
        """Delete a Job, and leave its pods."""
        self.cluster.batch.delete_namespaced_job(name, self.namespace, propagation_policy="Orphan")
        wait_until(lambda: name not in {one.name for one in self.list_jobs()}, f"{name} is gone", pause=BUSY)

    def remove_pod(self, name: str) -> None:
        """Delete a pod, at once."""
        self.cluster.core.delete_namespaced_pod(name, self.namespace, grace_period_seconds=0)

    def list_jobs(self) -> tuple[Job, ...]:
        body = self._fresh.get(f"/apis/batch/v1/namespaces/{self.namespace}/jobs")
        return msgspec.json.decode(body, type=Jobs).items

    def there(self) -> dict[str, Job | Pod]:
        """What a fresh list says."""
        body = self._fresh.get(f"/api/v1/namespaces/{self.namespace}/pods")
        found: tuple[Job | Pod, ...] = (*self.list_jobs(), *msgspec.json.decode(body, type=Pods).items)
        return {one.uid: one for one in found}

    def wait_until_same(self, lookout: Lookout) -> None:
        """Wait until the cache is what a fresh list says."""
        wait_until(
            lambda: lookout.living() == self.there(), "the cache equals a fresh list", within=SECONDS, pause=BUSY
        )

    def close(self) -> None:
        self._fresh.close()


CONTAINERS = [{"name": "main", "image": "eightbells.test/nothing:1"}]


@contextmanager
def looking(kubeconfig: Path, namespace: str, **options: Any) -> Iterator[Lookout]:
    """An informer that has seen everything that is in a namespace; nothing of it is left at the end."""
    connection = Connection.find(str(kubeconfig), **options)
    lookout = Lookout(connection, (namespace,), timings=TIMINGS)
    lookout.informer.start()
    try:
        yield lookout
    finally:
        lookout.informer.stop()
        connection.close()


@contextmanager
def granted(cluster: Access, namespace: str, account: str) -> Iterator[str]:
    """A service account that may list and watch; yield a token of it. At the end it is deleted, and so is the token."""
    made: Any = {"metadata": {"name": account}}
    cluster.core.create_namespaced_service_account(namespace, made)
    verbs = ["get", "list", "watch"]
    rules = [client.V1PolicyRule(api_groups=["batch", ""], resources=["jobs", "pods"], verbs=verbs)]
    role = client.V1Role(metadata=client.V1ObjectMeta(name=account), rules=rules)
    cluster.rbac.create_namespaced_role(namespace, role)
    subject = client.RbacV1Subject(kind="ServiceAccount", name=account, namespace=namespace)
    reference = client.V1RoleRef(api_group="rbac.authorization.k8s.io", kind="Role", name=account)
    binding = client.V1RoleBinding(metadata=client.V1ObjectMeta(name=account), subjects=[subject], role_ref=reference)
    cluster.rbac.create_namespaced_role_binding(namespace, binding)
    yield cluster.mint_token(namespace, account)
    cluster.core.delete_namespaced_service_account(account, namespace)


@contextmanager
def roads(cluster: Access, namespace: str) -> Iterator[Roads]:
    """The Jobs and pods of a test."""
    made = Roads(cluster, namespace)
    try:
        yield made
    finally:
        made.close()


def wait_until_tried(strait: Strait, kind: str, verb: str) -> None:
    """Wait until a kind has been asked for once more."""
    before = strait.count(kind, verb)
    wait_until(lambda: strait.count(kind, verb) > before, f"{kind} are asked for again", within=SECONDS)
