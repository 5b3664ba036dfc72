"""The API server's own word on the Jobs that are built: nothing is started, everything is validated and admitted."""

import json
from typing import TYPE_CHECKING, Any

import pytest
from eightbells.dispatcher.dispatch import Dispatch, SecretKey
from eightbells.dispatcher.job import build_job
from eightbells.dispatcher.settings import Settings
from kubernetes import client

from tests.dispatcher.building import job
from tests.dispatcher.golden import CASES
from tests.waiting import wait_until

if TYPE_CHECKING:
    from tests.cluster.cluster import Cluster

SETTINGS = Settings(cluster="c", runtime_image="registry.example/runtime:1", bus_ca_secret=SecretKey("bus", "ca"))

EVERYTHING: dict[str, Any] = {
    "inject": True,
    "secret_files": {"/etc/key": SecretKey("s", "k")},
    "inputs": {"a": "text"},
    "result": "required",
    "resources": {"memory": "64Mi", "cpu": "10m"},
}


def dry_run(cluster: "Cluster", namespace: str, manifest: Any) -> None:
    """Have the API server do everything but keep the Job; a field that it does not know is an error."""
    manifest["metadata"]["namespace"] = namespace
    cluster.batch.create_namespaced_job(namespace, manifest, dry_run="All", field_validation="Strict")


def admit(cluster: "Cluster", level: str, **said: Any) -> None:
    """Have the API server admit the Job's pod to a namespace of this PodSecurity level."""
    template = job(SETTINGS, **said)["spec"]["template"]
    pod: Any = {"metadata": {**template["metadata"], "name": "tried"}, "spec": template["spec"]}
    with cluster.namespace({"pod-security.kubernetes.io/enforce": level}) as namespace:
        cluster.core.create_namespaced_pod(namespace, pod, dry_run="All", field_validation="Strict")


@pytest.mark.parametrize("name", CASES)
def test_api_takes_the_reviewed_jobs(cluster: "Cluster", namespace: str, name: str) -> None:
    """Every Job that somebody has read is one for the API server too, to the last field."""
    dry_run(cluster, namespace, build_job(*CASES[name]))


def test_api_takes_the_limits(cluster: "Cluster", namespace: str) -> None:
    """What is just within our limits is within the cluster's."""
    most = Dispatch(
        id="A" + "._:@/+-" * 28,
        image="[::1]:5000/a/b__c/d-e.f:V_1.2-3@sha256:" + "a" * 64,
        command=("x" * 131_071,) * 7,
        env={"a.b-c_D": "", "_": "$(A"},
        inputs={".x": "ä" * 16_384, "y" * 253: ""},
        secret_env={"A": SecretKey("s" * 253, "._-")},
        secret_files={"/a b/" + "ü" * 100: SecretKey("s", "k" * 253)},
        labels={f"{'a' * 63}.{'b' * 63}/{'c' * 63}": "d" * 63, "empty": ""},
        resources={"memory": "7Ei", "cpu": "0.001", "extra": {"nvidia.com/gpu": "2", "ephemeral-storage": "1"}},  # type: ignore[arg-type]
        retries=1000,
        timeout=1,
        start_timeout=1,
        service_account="a" * 253,
        ttl=2**31 - 1,
        inject=True,
    )
    dry_run(cluster, namespace, build_job(most, SETTINGS))


def test_a_job_of_the_cluster_is_a_template(cluster: "Cluster", namespace: str) -> None:
    """What `kubectl get job -o json` shows, with all that the API server and the Job controller wrote, is taken."""
    spec = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "none.test/none:1", "command": ["a"]}]}
    real = {"metadata": {"name": "nightly"}, "spec": {"template": {"spec": spec}}}
    cluster.create({"apiVersion": "batch/v1", "kind": "Job", **real}, namespace)
    wait_until(lambda: cluster.core.list_namespaced_pod(namespace).items, "it has a pod", within=60)
    answer: Any = cluster.batch.read_namespaced_job("nightly", namespace, _preload_content=False)
    shown = {**json.loads(answer.data), "kind": "Job", "apiVersion": "batch/v1"}
    dry_run(cluster, namespace, job(SETTINGS, namespace=namespace, command=(), template=shown))


def test_cluster_keeps_the_largest_job_and_its_pod(cluster: "Cluster", namespace: str) -> None:
    """Etcd has room for a Job of our limit and for what the API server adds, a list of eleven thousand fields too."""
    elsewhere = {"kind": "Job", "spec": {"template": {"spec": {"nodeSelector": {"eightbells.test/none": ""}}}}}
    many = {f"V{number}": "" for number in range(11_000)}
    for said in ({"args": ("x" * 131_000,) * 7}, {"env": many}):
        manifest: Any = job(SETTINGS, id=next(iter(said)), template=elsewhere, **said)
        manifest["metadata"]["namespace"] = namespace
        cluster.batch.create_namespaced_job(namespace, manifest)
    wait_until(lambda: len(cluster.core.list_namespaced_pod(namespace).items) == 2, "both have a pod", within=60)


@pytest.mark.parametrize(
    ("security", "level"), [("standard", "baseline"), ("restricted", "restricted"), ("image", "baseline")]
)
def test_pod_security_lets_profiles_in(cluster: "Cluster", security: str, level: str) -> None:
    """`standard` is at home in a baseline namespace, `restricted` in a restricted one, with all that we add."""
    admit(cluster, level, security=security, **EVERYTHING)


@pytest.mark.parametrize("security", ["standard", "image"])
def test_pod_security_restricted_wants_our_restricted(cluster: "Cluster", security: str) -> None:
    """The profiles below are turned away from a restricted namespace, so the level is really looked at."""
    with pytest.raises(client.ApiException, match="violates PodSecurity"):
        admit(cluster, "restricted", security=security)
