"""An account that may do what deploy/dispatcher-role.yaml says, or less."""

from pathlib import Path
from typing import Any

import msgspec
from kubernetes import client

from tests.cluster.access import Access
from tests.waiting import wait_until

ROLE = Path(__file__).parents[2] / "deploy/dispatcher-role.yaml"
ACCOUNT = "dispatcher"


def documented_verbs() -> list[str]:
    """What the Role lets its holder do with Jobs, which is all that it says."""
    (rule,) = msgspec.yaml.decode(ROLE.read_bytes())["rules"]
    assert (rule["apiGroups"], rule["resources"]) == (["batch"], ["jobs"])
    verbs: list[str] = rule["verbs"]
    return verbs


def grant(cluster: Access, namespace: str, without: str = "") -> str:
    """Make an account with the documented Role, less one verb; return a token of it, once its rights hold."""
    role: dict[str, Any] = msgspec.yaml.decode(ROLE.read_bytes())
    verbs = [verb for verb in documented_verbs() if verb != without]
    role["rules"][0]["verbs"] = verbs
    name = role["metadata"]["name"]
    cluster.create(role, namespace)
    cluster.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": ACCOUNT}}, namespace)
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": ACCOUNT},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": namespace}],
    }
    cluster.create(binding, namespace)
    for verb in verbs:
        wait_until(lambda asked=verb: is_allowed(cluster, namespace, asked), f"{ACCOUNT} may {verb} jobs")  # type: ignore[misc]
    return cluster.mint_token(namespace, ACCOUNT)


def is_allowed(cluster: Access, namespace: str, verb: str) -> bool:
    """Whether the API server says that the account may do this to Jobs."""
    attributes = client.V1ResourceAttributes(group="batch", resource="jobs", namespace=namespace, verb=verb)
    user = f"system:serviceaccount:{namespace}:{ACCOUNT}"
    spec = client.V1SubjectAccessReviewSpec(user=user, resource_attributes=attributes)
    metadata = client.V1ObjectMeta(namespace=namespace)
    review = client.V1LocalSubjectAccessReview(spec=spec, metadata=metadata)
    status = (
        client.AuthorizationV1Api(cluster.api).create_namespaced_local_subject_access_review(namespace, review).status
    )
    return bool(status and status.allowed)
