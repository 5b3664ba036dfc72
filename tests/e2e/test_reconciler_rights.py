"""deploy/reconciler-role.yaml is what the reconciler needs in a namespace, and nothing more."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from kubernetes import client

from tests.cluster.access import Access
from tests.e2e.reconciling import SECONDS, Yard, open_yard
from tests.servers.server import Server
from tests.waiting import wait_until

if TYPE_CHECKING:
    from tests.cluster.cluster import Cluster

DOCUMENTS = Path(__file__).parents[2] / "deploy/reconciler-role.yaml"
ACCOUNT = "reconciler"
FINALIZER = "eightbells.io/ending"

Right = tuple[str, str]
"""A verb and a resource."""


def roles() -> list[dict[str, Any]]:
    """The Roles of a namespace."""
    documents = [msgspec.yaml.decode(text) for text in DOCUMENTS.read_bytes().split(b"\n---\n")]
    return [one for one in documents if one["kind"] == "Role"]


def rights() -> list[Right]:
    rules = [rule for role in roles() for rule in role["rules"]]
    return [(verb, rule["resources"][0]) for rule in rules for verb in rule["verbs"]]


@pytest.fixture
def yard(cluster: "Cluster", namespace: str, valkey: Server, tmp_path: Path) -> Iterator[Yard]:
    with open_yard(cluster, namespace, valkey.url, tmp_path) as yard:
        yield yard


def grant(cluster: Access, namespace: str, without: Right | None = None) -> str:
    """Make an account with the documented Roles, less one right; return a token of it, once its rights hold."""
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": ACCOUNT}}
    cluster.create(account, namespace)
    for role in roles():
        for rule in role["rules"]:
            rule["verbs"] = [verb for verb in rule["verbs"] if (verb, rule["resources"][0]) != without]
        role["rules"] = [rule for rule in role["rules"] if rule["verbs"]]
        cluster.create(role, namespace)
        binding = {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": role["metadata"]["name"]},
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "Role",
                "name": role["metadata"]["name"],
            },
            "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": namespace}],
        }
        cluster.create(binding, namespace)
    for right in rights():
        if right != without:
            wait_until(lambda asked=right: is_allowed(cluster, namespace, *asked), f"{ACCOUNT} may {right}", pause=0.1)  # type: ignore[misc]
    return cluster.mint_token(namespace, ACCOUNT)


def is_allowed(cluster: Access, namespace: str, verb: str, resource: str) -> bool:
    group = "batch" if resource == "jobs" else ""
    attributes = client.V1ResourceAttributes(group=group, resource=resource, namespace=namespace, verb=verb)
    user = f"system:serviceaccount:{namespace}:{ACCOUNT}"
    spec = client.V1SubjectAccessReviewSpec(user=user, resource_attributes=attributes)
    review = client.V1LocalSubjectAccessReview(spec=spec, metadata=client.V1ObjectMeta(namespace=namespace))
    api = client.AuthorizationV1Api(cluster.api)
    status = api.create_namespaced_local_subject_access_review(namespace, review).status
    return bool(status and status.allowed)


def use_all(yard: Yard) -> None:
    """All that a reconciler may be asked to do: Jobs that end, that cannot start, that are deleted, kept evidence."""
    yard.create_job("killed", "exit 137", finalizers=[FINALIZER])
    yard.create_job("no-image", "exit 0", image="Not An Image")
    yard.create_job("deleted", "exec sleep 1000")
    yard.wait_until_running("deleted")
    yard.cluster.batch.delete_namespaced_job("deleted", yard.namespace, propagation_policy="Background")


def test_the_documented_roles_are_enough(yard: Yard, tmp_path: Path) -> None:
    """Everything ends as it should, and nothing is refused."""
    token = grant(yard.cluster, yard.namespace)
    kubeconfig = yard.cluster.write_kubeconfig(tmp_path / "kubeconfig", token, yard.namespace)
    reconciler = yard.reconcile("--enforce", kubeconfig=kubeconfig)
    reconciler.wait_until_watching()
    use_all(yard)
    codes = {name: yard.ending(name).code for name in ("killed", "no-image", "deleted")}
    assert codes == {"killed": "killed_137", "no-image": "image_invalid", "deleted": "job_deleted"}
    wait_until(lambda: not kept(yard), "the evidence is let go", within=SECONDS, pause=0.2)
    assert "cannot" not in reconciler.says()


@pytest.mark.parametrize("right", rights(), ids="-".join)
def test_each_right_is_needed(yard: Yard, tmp_path: Path, right: Right) -> None:
    """Without it something is refused, and what is said names it."""
    token = grant(yard.cluster, yard.namespace, right)
    kubeconfig = yard.cluster.write_kubeconfig(tmp_path / "kubeconfig", token, yard.namespace)
    reconciler = yard.reconcile("--enforce", kubeconfig=kubeconfig)
    if right[0] not in {"list", "watch"}:
        reconciler.wait_until_watching()
    use_all(yard)
    reconciler.wait_for(f'cannot {right[0]} resource \\"{right[1]}\\"')


def kept(yard: Yard) -> bool:
    return any(FINALIZER in (pod.metadata.finalizers or ()) for pod in yard.pods("killed"))
