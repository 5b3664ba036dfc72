"""`eightbells explain` of a real cluster: plain Jobs, which have nothing of ours, each failing in a way of its own."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result
from eightbells.cli.exits import Exit
from eightbells.reconciler.commands.explain import explain
from kubernetes import client

from tests.cluster.cluster import Cluster
from tests.cluster.images import BUSYBOX
from tests.cluster.oci import make_image
from tests.cluster.registry import Behaviour, Registry
from tests.waiting import wait_until

SECONDS = 180
ROLE: dict[str, Any] = msgspec.yaml.decode(
    (Path(__file__).parents[2] / "docs/explain.md").read_text().partition("```yaml\n")[2].partition("```")[0]
)
ACCOUNT = "reader"


class Explaining:
    """A namespace with Jobs, and what is said of them to whoever has a kubeconfig."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster = cluster
        self.namespace = namespace

    def start(self, name: str, script: str, *, image: str = BUSYBOX, **spec: Any) -> None:
        """Create a Job as any tool would."""
        resources = spec.pop("resources", {"requests": {"cpu": "10m"}})
        main = {"name": "main", "image": image, "command": ["sh", "-c", script], "resources": resources}
        pod = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": [main], **spec}
        job = {"backoffLimit": 0, "template": {"spec": pod}}
        manifest = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": job}
        self.cluster.create(manifest, self.namespace)

    def run(self, *words: str, kubeconfig: Path | None = None) -> Result:
        """Run the command in the namespace."""
        where = ["--kubeconfig", str(kubeconfig or self.cluster.kubeconfig), "-n", self.namespace]
        return CliRunner().invoke(explain, [*where, *words])

    def account(self, job: str, *words: str, kubeconfig: Path | None = None) -> dict[str, Any]:
        """What is said of one Job."""
        result = self.run(f"job/{job}", "-o", "json", *words, kubeconfig=kubeconfig)
        assert result.exit_code == Exit.OK, result.output
        (said,) = json.loads(result.stdout)
        assert isinstance(said, dict)
        return said

    def wait_for(self, job: str, code: str, *words: str) -> dict[str, Any]:
        """What is said of it, once its code is that one."""
        said: list[dict[str, Any]] = []

        def look() -> bool:
            said[:] = [self.account(job, *words)]
            return code in {said[0]["code"], said[0]["would_be"]}

        wait_until(look, f"{job} is told as {code}", within=SECONDS, pause=0.5)
        return said[0]

    def wait_for_pod(self, job: str) -> Any:
        """Its pod, once it runs."""

        def look() -> Any:
            pods = self.cluster.core.list_namespaced_pod(self.namespace, label_selector=f"job-name={job}").items
            return next((pod for pod in pods if pod.status and pod.status.phase == "Running"), None)

        return wait_until(look, f"a pod of {job} runs", within=SECONDS, pause=0.2)


@pytest.fixture
def explaining(cluster: Cluster, namespace: str) -> Explaining:
    return Explaining(cluster, namespace)


def test_each_way_to_fail_is_told_and_all_in_a_list(explaining: Explaining) -> None:
    """Exit code, memory, image, node: of plain Jobs each is told with evidence and a remedy, and in a line a Job."""
    with Registry(explaining.cluster.host_address) as registry:
        explaining.cluster.use_registry(registry.address)
        image = registry.add("etl:7", make_image({"bin/program": b"x"}, Cmd=["/bin/program"]), Behaviour.NOT_FOUND)
        explaining.start("absent", "true", image=image)
        explaining.start("nowhere", "true", nodeSelector={"eightbells.test/node": "nowhere"})
        explaining.start("seven", "echo giving up; exit 7")
        explaining.start("hungry", "exec tail /dev/zero", resources={"limits": {"memory": "32Mi", "cpu": "100m"}})
        explaining.start("well", "true")

        seven = explaining.wait_for("seven", "exit_nonzero")
        hungry = explaining.wait_for("hungry", "oom_killed")
        absent = explaining.wait_for("absent", "image_not_found")
        nowhere = explaining.wait_for("nowhere", "unschedulable")
        explaining.wait_for("well", "completed_without_report")
        impatient = explaining.account("nowhere", "--grace-of", "unschedulable=0s")
        listed = explaining.run().stdout.splitlines()

    assert (seven["decision"], seven["state"], seven["exit_code"], seven["fault"]) == ("ended", "failed", 7, "user")
    assert (hungry["exit_code"], hungry["retryable"]) == (137, "more_memory")
    assert "above 32Mi" in hungry["remedy"]
    assert (absent["decision"], absent["code"], absent["state"]) == ("not_yet", None, "pending")
    assert absent["recheck_at"]
    assert image in absent["remedy"]
    assert (nowhere["decision"], nowhere["dispatch"]) == ("not_yet", None)
    assert (impatient["decision"], impatient["code"], impatient["may_still_start"]) == ("ended", "unschedulable", True)
    names = [line.split()[0] for line in listed[:5]]
    assert (names[:2], set(names[2:4]), names[4]) == (
        ["job/hungry", "job/seven"],
        {"job/absent", "job/nowhere"},
        "job/well",
    )
    assert listed[5].startswith("5 in all: ")


def test_a_job_that_is_deleted_says_so_until_it_is_gone(explaining: Explaining) -> None:
    """While it is deleted its deletion is what ended it; when it is gone it is not found; orphans are explained."""
    explaining.start("deleted", "trap '' TERM; while true; do sleep 1; done", terminationGracePeriodSeconds=20)
    explaining.start("orphaned", "echo alone; sleep 2; exit 3")
    explaining.wait_for_pod("deleted")
    pod = explaining.wait_for_pod("orphaned")
    batch = explaining.cluster.batch
    batch.delete_namespaced_job("deleted", explaining.namespace, propagation_policy="Foreground")
    batch.delete_namespaced_job("orphaned", explaining.namespace, propagation_policy="Orphan")

    said = explaining.wait_for("deleted", "job_deleted")
    assert (said["decision"], said["fault"], said["may_still_run"]) == ("ended", "cancelled", True)
    orphan = explaining.wait_for("orphaned", "exit_nonzero")
    assert (orphan["decision"], orphan["exit_code"], orphan["missing"]) == ("attempt", 3, ["job"])
    assert orphan["evidence"][0]["object"] == f"pod {pod.metadata.name}"
    wait_until(lambda: explaining.run("job/deleted").exit_code == Exit.NOT_FOUND, "it is gone", within=SECONDS, pause=1)
    assert 'no Job "deleted"' in explaining.run("job/deleted").stderr


@pytest.fixture
def allow(explaining: Explaining, tmp_path: Path) -> Callable[..., Path]:
    """A kubeconfig of an account with the Role of docs/explain.md, without some of its resources."""
    cluster, namespace = explaining.cluster, explaining.namespace
    rbac = {"apiVersion": "rbac.authorization.k8s.io/v1"}
    cluster.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": ACCOUNT}}, namespace)
    cluster.create(ROLE, namespace)
    subjects = [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": namespace}]
    bound = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": ROLE["metadata"]["name"]}
    binding = {**rbac, "kind": "RoleBinding", "metadata": {"name": ACCOUNT}, "roleRef": bound, "subjects": subjects}
    cluster.create(binding, namespace)
    kubeconfig = cluster.write_kubeconfig(tmp_path / "reader", cluster.mint_token(namespace, ACCOUNT), namespace)

    def allow(*without: str) -> Path:
        rules = [
            {**rule, "resources": [one for one in rule["resources"] if one not in without]} for rule in ROLE["rules"]
        ]
        left = [rule for rule in rules if rule["resources"]]
        cluster.rbac.patch_namespaced_role(ROLE["metadata"]["name"], namespace, {"rules": left})
        for kind in ("pods", "events", "namespaces"):
            wait_until(lambda asked=kind: may(asked) == (asked not in without), f"{kind} as told", pause=0.1)  # type: ignore[misc]
        return kubeconfig

    def may(resource: str) -> bool:
        attributes = client.V1ResourceAttributes(
            verb="get" if resource == "namespaces" else "list", resource=resource, namespace=namespace, name=namespace
        )
        user = f"system:serviceaccount:{namespace}:{ACCOUNT}"
        spec = client.V1SubjectAccessReviewSpec(user=user, resource_attributes=attributes)
        review = client.V1SubjectAccessReview(spec=spec)
        status = client.AuthorizationV1Api(cluster.api).create_subject_access_review(review).status
        return bool(status and status.allowed)

    return allow


def test_the_documented_role_is_enough_and_what_it_lacks_is_said(
    explaining: Explaining, allow: Callable[..., Path]
) -> None:
    """With the Role of the page all is read; without Events or the namespace less; without pods or Jobs an error."""
    explaining.start("seven", "exit 7")
    explaining.wait_for("seven", "exit_nonzero")

    assert explaining.account("seven", kubeconfig=allow())["missing"] == []
    assert explaining.run(kubeconfig=allow()).stdout.startswith("job/seven")
    less = explaining.account("seven", kubeconfig=allow("events", "namespaces"))
    assert (less["code"], less["missing"]) == ("exit_nonzero", ["events"])
    for kind in ("pods", "jobs"):
        result = explaining.run("job/seven", kubeconfig=allow(kind))
        assert (result.exit_code, f'resource "{kind}"' in result.stderr) == (Exit.NO_PERMISSION, True)
        assert "get and list of jobs and pods" in result.stderr


def test_who_is_not_known_is_told_to_log_in(explaining: Explaining, tmp_path: Path) -> None:
    """A token that the API server does not know is an error of its own."""
    kubeconfig = explaining.cluster.write_kubeconfig(tmp_path / "stranger", "n0-such-token")
    result = explaining.run("job/seven", kubeconfig=kubeconfig)

    assert (result.exit_code, "log in anew" in result.stderr) == (Exit.NO_PERMISSION, True)
