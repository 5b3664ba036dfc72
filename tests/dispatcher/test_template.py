"""A manifest as the base of the Job: what survives, what is ours, what is refused."""

from typing import Any

import pytest
from eightbells.dispatcher.errors import Refused

from tests.dispatcher.building import job, main, pod, template

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def refused(said: dict[str, Any], **more: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        job(template=said, **more)
    return caught.value


def test_everything_else_survives() -> None:
    """What a dispatch has no field for is the template's."""
    others: dict[str, Any] = {
        "volumes": [{"name": "data", "emptyDir": {}}],
        "affinity": {"nodeAffinity": {}},
        "imagePullSecrets": [{"name": "mine"}],
        "initContainers": [{"name": "proxy", "image": "p", "restartPolicy": "Always"}],
        "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["a"]}],
    }
    base = template({"name": "main", "image": "x", "ports": [{"containerPort": 80}]}, job={"suspend": True}, **others)
    spec = pod(template=base)
    assert {name: spec[name] for name in others} == others
    assert spec["containers"][0]["ports"] == [{"containerPort": 80}]
    assert job(template=base)["spec"]["suspend"] is True


def test_main_is_found_by_name_or_because_it_is_the_only_one() -> None:
    """The command goes into `main`, wherever it stands, or into the only container there is."""
    several = [{"name": name, "image": "x"} for name in ("a", "main", "b")]
    containers = pod(template=template(containers=several))["containers"]
    assert [one["name"] for one in containers] == ["a", "main", "b"]
    assert [one["image"] for one in containers] == ["x", "busybox:1.36", "x"]
    assert main(template=template({"name": "only", "image": "x"}))["name"] == "only"


def test_template_without_containers_gets_one() -> None:
    """A template may say only where pods run."""
    spec = pod(template=template(nodeSelector={"disk": "ssd"}))
    assert [one["name"] for one in spec["containers"]] == ["main"]
    assert spec["nodeSelector"] == {"disk": "ssd"}


def test_no_container_is_guessed() -> None:
    """Several containers and none named main: the message names them."""
    problem = refused(template(containers=[{"name": "a", "image": "x"}, {"name": "b", "image": "x"}]))
    assert problem.field == "template.spec.template.spec.containers"
    assert "a, b" in str(problem)


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda spec: {"kind": "Job", "spec": {"template": {"spec": spec}}},
        lambda spec: {"kind": "CronJob", "spec": {"jobTemplate": {"spec": {"template": {"spec": spec}}}}},
        lambda spec: {"kind": "PodTemplate", "apiVersion": "v1", "template": {"spec": spec}},
    ],
    ids=["Job", "CronJob", "PodTemplate"],
)
def test_job_cron_job_and_pod_template_are_bases(wrapped: Any) -> None:
    """Each of the three kinds brings its pod."""
    assert pod(template=wrapped({"nodeSelector": {"disk": "ssd"}}))["nodeSelector"] == {"disk": "ssd"}


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({}, "template.kind"),
        ({"kind": "Deployment"}, "template.kind"),
        ({"kind": ["Job"]}, "template.kind"),
        ({"kind": "Job", "apiVersion": "v1"}, "template.apiVersion"),
        ({"kind": "Job", "spec": 5}, "template.spec"),
        (template({"name": "main", "env": {"A": "b"}}), "template.spec.template.spec.containers[0].env"),
        (template({"image": "x"}), "template.spec.template.spec.containers[0]"),
        ({"kind": "Job", "metadata": {"labels": {"a": True}}}, "template.metadata.labels[...]"),
    ],
)
def test_wrong_types_are_named_by_their_place(said: dict[str, Any], field: str) -> None:
    """What is not a manifest is refused with the path to what is wrong."""
    assert refused(said).field == field


def test_what_a_cluster_wrote_is_left_out() -> None:
    """A Job as `kubectl get` shows it is a template."""
    base = {
        "kind": "Job",
        "apiVersion": "batch/v1",
        "metadata": {
            "name": "old",
            "uid": "u",
            "resourceVersion": "1",
            "labels": {"job-name": "old", "batch.kubernetes.io/controller-uid": "u", "mine": "1"},
            "annotations": {
                "eightbells.io/spec": "old",
                "note": "mine",
                LAST_APPLIED: "{}",
                "batch.kubernetes.io/cronjob-scheduled-timestamp": "2026-01-31T00:00:00Z",
            },
            "ownerReferences": [{"kind": "CronJob", "controller": True}, {"kind": "ConfigMap"}],
        },
        "spec": {"selector": {"matchLabels": {}}, "template": {"metadata": {"labels": {"controller-uid": "u"}}}},
        "status": {"succeeded": 1},
    }
    built = job(template=base)
    metadata = built["metadata"]
    assert set(built) == {"apiVersion", "kind", "metadata", "spec"}
    assert set(metadata) == {"name", "namespace", "labels", "annotations", "ownerReferences"}
    assert metadata["ownerReferences"] == [{"kind": "ConfigMap"}]
    assert metadata["name"] != "old"
    assert {name for name in metadata["labels"] if "eightbells" not in name} == {"mine"}
    assert set(metadata["annotations"]) == {"note", "eightbells.io/dispatch-id", "eightbells.io/spec"}
    assert metadata["annotations"]["eightbells.io/spec"] != "old"
    assert "selector" not in built["spec"]
    assert "controller-uid" not in built["spec"]["template"]["metadata"]["labels"]


def test_what_the_dispatch_says_wins() -> None:
    """Where both speak, the dispatch is heard."""
    base = template(
        {"name": "main", "image": "old", "resources": {"limits": {"memory": "1Gi", "cpu": "1"}}},
        job={"backoffLimit": 6, "activeDeadlineSeconds": 5, "ttlSecondsAfterFinished": 1, "podReplacementPolicy": "x"},
        restartPolicy="OnFailure",
        terminationGracePeriodSeconds=1,
        serviceAccount="old",
    )
    built = job(template=base, timeout=10, resources={"memory": "2Gi"}, service_account="new")
    spec = built["spec"]["template"]["spec"]
    assert built["spec"]["backoffLimit"] == 0
    assert built["spec"]["activeDeadlineSeconds"] > 1000
    assert built["spec"]["ttlSecondsAfterFinished"] == 3600
    assert built["spec"]["podReplacementPolicy"] == "Failed"
    assert (spec["restartPolicy"], spec["terminationGracePeriodSeconds"]) == ("Never", 32)
    assert spec["serviceAccountName"] == "new"
    assert "serviceAccount" not in spec
    assert spec["containers"][0]["image"] == "busybox:1.36"
    assert spec["containers"][0]["resources"]["limits"] == {"memory": "2Gi", "cpu": "1"}


def test_switches_are_off_unless_the_template_says_so() -> None:
    """The token and the variables of Services are there for who asks for them."""
    assert (pod()["automountServiceAccountToken"], pod()["enableServiceLinks"]) == (False, False)
    spec = pod(template=template(automountServiceAccountToken=True, enableServiceLinks=True))
    assert (spec["automountServiceAccountToken"], spec["enableServiceLinks"]) == (True, True)


def test_empty_words_of_main_say_nothing() -> None:
    """Kubernetes takes "" for a field that is not there, and so do we."""
    empty = dict.fromkeys(("imagePullPolicy", "terminationMessagePath", "terminationMessagePolicy"), "")
    assert main(template=template({"name": "main", **empty})) == main()


def test_pull_policy_is_the_templates_where_it_has_one() -> None:
    """`Never` can only be said by a template."""
    assert main(template=template({"name": "main", "imagePullPolicy": "Never"}))["imagePullPolicy"] == "Never"


def test_failure_rules_of_the_template_follow_ours() -> None:
    """With retries a template may end the Job for an exit code that no retry helps."""
    rule = {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}}
    base = template(job={"podFailurePolicy": {"rules": [rule]}})
    rules = job(template=base, retries=1)["spec"]["podFailurePolicy"]["rules"]
    assert rules[1:] == [rule]
    assert "retries" in str(refused(base))


def test_failure_rules_have_room_for_ours() -> None:
    """The API server takes twenty."""
    rule = {"action": "Count", "onExitCodes": {"operator": "In", "values": [42]}}
    assert job(template=template(job={"podFailurePolicy": {"rules": [rule] * 19}}), retries=1)
    problem = refused(template(job={"podFailurePolicy": {"rules": [rule] * 20}}), retries=1)
    assert problem.field == "template.spec.podFailurePolicy.rules"
    assert "20" in str(problem)


def test_several_pods_are_indexes() -> None:
    """A Job of several pods is a dispatch where each has an index: the wrapper then leaves the end to the Job."""
    spec = {"completions": 3, "completionMode": "Indexed"}
    assert job(template=template(job=spec))["spec"]["completions"] == 3


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"completions": 2}, "completions"),
        ({"parallelism": 2}, "parallelism"),
        ({"parallelism": 0}, "parallelism"),
        ({"completions": 0, "completionMode": "Indexed"}, "completions"),
        ({"backoffLimitPerIndex": 1}, "backoffLimitPerIndex"),
        ({"backoffLimitPerIndex": 0}, "backoffLimitPerIndex"),
        ({"maxFailedIndexes": 1}, "maxFailedIndexes"),
        ({"manualSelector": True}, "manualSelector"),
    ],
)
def test_job_that_cannot_be_a_dispatch_is_refused(spec: dict[str, Any], field: str) -> None:
    """What contradicts one command with one ending is not dropped in silence."""
    assert refused(template(job=spec)).field == f"template.spec.{field}"


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"activeDeadlineSeconds": 5}, "activeDeadlineSeconds"),
        ({"os": {"name": "windows"}}, "os"),
        ({"volumes": [{"name": "eightbells-x"}]}, "volumes[0].name"),
        ({"initContainers": [{"name": "eightbells-install"}]}, "initContainers[0].name"),
        ({"containers": [{"name": "main", "restartPolicy": "Always"}]}, "containers[0].restartPolicy"),
        (
            {"containers": [{"name": "main", "env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]}]},
            "containers[0].env",
        ),
    ],
)
def test_pod_that_cannot_be_a_dispatch_is_refused(spec: dict[str, Any], field: str) -> None:
    """Deadlines and restarts of the template's own, another system and names of ours are refused, and so is a guess."""
    assert refused(template(**spec)).field == f"template.spec.template.spec.{field}"


def test_namespace_is_said_once() -> None:
    """A template for another namespace is refused, not moved."""
    base: dict[str, Any] = {"kind": "Job", "metadata": {"namespace": "theirs"}}
    assert refused(base).field == "template.metadata.namespace"
    assert job(template=base, namespace="theirs")["metadata"]["namespace"] == "theirs"
