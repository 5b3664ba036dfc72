"""What keeps a command from its start."""

from contextlib import ExitStack
from http import HTTPStatus
from typing import Any

from kubernetes import client

from tests.cluster.behaviour import Behaviour
from tests.drills.drill import Drill, Ending, Group
from tests.e2e.site import Site
from tests.waiting import wait_until

MISSING = "missing"
DEADLINE = {"activeDeadlineSeconds": 6}
"""Shorter than the graces, so that the Job says it first."""


def pull(name: str, done: str, behaviour: Behaviour, code: str, **more: Any) -> Drill:
    """An image that the registry does not give out."""
    is_slow = code == "image_registry_unavailable"
    return Drill(name=name, done=done, registry=behaviour, ours=Ending(code, **more), is_slow=is_slow)


def env_from(kind: str, name: str, key: str = "key") -> dict[str, Any]:
    return {"env": [{"name": "X", "valueFrom": {kind: {"name": name, "key": key}}}]}


def add_config(site: Site, stack: ExitStack) -> None:
    """A ConfigMap that has not the key."""
    site.cluster.core.create_namespaced_config_map(
        site.namespace, client.V1ConfigMap(metadata=client.V1ObjectMeta(name="there"), data={"other": "x"})
    )


def limit(hard: dict[str, str], site: Site) -> None:
    quota: Any = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": {"hard": hard}}
    site.cluster.create(quota, site.namespace)
    wait_until(lambda: is_counted(site), "the quota is counted", pause=0.1)


def is_counted(site: Site) -> bool:
    status = site.cluster.core.read_namespaced_resource_quota("q", site.namespace).status
    return bool(status and status.used)


def limit_pods(site: Site, stack: ExitStack) -> None:
    """A quota that is used up from the beginning."""
    limit({"pods": "0"}, site)


def demand_memory(site: Site, stack: ExitStack) -> None:
    """A quota that wants every pod to say what it takes."""
    limit({"limits.memory": "1Gi"}, site)


def forbid(site: Site, stack: ExitStack) -> None:
    """A policy of the cluster that lets no pod into this namespace."""
    admission = client.AdmissionregistrationV1Api(site.cluster.api)
    name = f"drill-{site.namespace}"
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [rule]},
        "validations": [{"expression": "false", "message": "no pods here"}],
    }
    policy: Any = {"metadata": {"name": name}, "spec": spec}
    selector = {"matchLabels": {"kubernetes.io/metadata.name": site.namespace}}
    bound = {"policyName": name, "validationActions": ["Deny"], "matchResources": {"namespaceSelector": selector}}
    binding: Any = {"metadata": {"name": name}, "spec": bound}
    admission.create_validating_admission_policy(policy)
    stack.callback(admission.delete_validating_admission_policy, name)
    admission.create_validating_admission_policy_binding(binding)
    stack.callback(admission.delete_validating_admission_policy_binding, name)
    core = site.cluster.core
    pod: Any = {
        "metadata": {"name": "probe"},
        "spec": {"containers": [{"name": "main", "image": "eightbells.test/nothing:1"}]},
    }

    def is_in_force() -> bool:
        try:
            core.create_namespaced_pod(site.namespace, pod, dry_run="All")
        except client.ApiException as error:
            return bool(error.status == HTTPStatus.UNPROCESSABLE_ENTITY)  # what a policy answers
        return False

    wait_until(is_in_force, "the policy is in force", pause=0.3)


def call_nobody(site: Site, stack: ExitStack) -> None:
    """A webhook that has to be asked for every pod of this namespace, and listens nowhere."""
    admission = client.AdmissionregistrationV1Api(site.cluster.api)
    name = f"drill-{site.namespace}"
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    hook = {
        "name": "nobody.eightbells.test",
        "clientConfig": {"url": f"https://{site.cluster.host_address}:1/"},
        "rules": [rule],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": site.namespace}},
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "failurePolicy": "Fail",
        "timeoutSeconds": 2,
    }
    body: Any = {"metadata": {"name": name}, "webhooks": [hook]}
    admission.create_validating_webhook_configuration(body)
    stack.callback(admission.delete_validating_webhook_configuration, name)


IN_VOLUME = {"volumes": [{"name": "v", "configMap": {"name": MISSING}}]}
CLAIM = {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": MISSING}}]}
NO_SECCOMP = {"securityContext": {"seccompProfile": {"type": "Localhost", "localhostProfile": "nowhere.json"}}}

STARTS = Group(
    "Cannot start",
    (
        Drill(
            name="image-invalid",
            done="an image name that is none",
            raw={"main": {"image": "Not An Image"}},
            ours=Ending("image_invalid"),
        ),
        pull("pull-404", "the registry says 404", Behaviour.NOT_FOUND, "image_not_found"),
        pull("pull-401", "the registry says 401", Behaviour.UNAUTHORIZED, "image_unauthorized"),
        pull("pull-403", "the registry says 403", Behaviour.FORBIDDEN, "image_unauthorized"),
        pull("pull-429", "the registry says 429", Behaviour.TOO_MANY_REQUESTS, "image_registry_unavailable"),
        pull("pull-500", "the registry says 500", Behaviour.SERVER_ERROR, "image_registry_unavailable"),
        pull("pull-503", "the registry says 503", Behaviour.UNAVAILABLE, "image_registry_unavailable"),
        pull("pull-token", "its server of tokens says 500", Behaviour.TOKEN_UNAVAILABLE, "image_registry_unavailable"),
        pull("pull-reset", "the registry resets connections", Behaviour.RESET, "image_registry_unavailable"),
        pull(
            "pull-platform",
            "an image of another platform",
            Behaviour.WRONG_PLATFORM,
            "image_pull_failed",
            fault="config",
        ),
        pull("pull-blob", "a layer is not there", Behaviour.MISSING_BLOB, "image_pull_failed", fault="dependency"),
        Drill(
            name="pull-dns",
            done="a registry whose name nobody knows",
            image="no-such-host.invalid/app:1",
            ours=Ending("image_registry_unavailable"),
            is_slow=True,
        ),
        Drill(
            name="pull-hangs",
            done="the registry never answers, until the Job's deadline",
            registry=Behaviour.HANG,
            raw={"job": {"activeDeadlineSeconds": 15}},
            ours=Ending("deadline_exceeded"),
        ),
        Drill(
            name="pull-later",
            done="503 at first, then the image",
            registry=Behaviour.UNAVAILABLE,
            failures=3,
            ours=None,
            plain=Ending("completed_without_report"),
        ),
        Drill(
            name="pull-never",
            done="imagePullPolicy Never, and it is not there",
            image="eightbells.test/nothing:1",
            main={"imagePullPolicy": "Never"},
            ours=Ending("image_never_pull"),
        ),
        Drill(
            name="no-configmap",
            done="a variable from a ConfigMap that is not there",
            main=env_from("configMapKeyRef", MISSING),
            ours=Ending("container_config_error"),
        ),
        Drill(
            name="no-secret",
            done="a variable from a Secret that is not there",
            fields={"secret_env": {"X": {"secret": MISSING, "key": "key"}}},
            ours=Ending("container_config_error"),
        ),
        Drill(
            name="no-key",
            done="a variable from a key that its ConfigMap has not",
            main=env_from("configMapKeyRef", "there"),
            prepare=add_config,
            ours=Ending("container_config_error"),
        ),
        Drill(
            name="root",
            done="runAsNonRoot, and the user is root",
            main={"securityContext": {"runAsNonRoot": True, "runAsUser": 0}},
            ours=Ending("container_config_error"),
        ),
        Drill(
            name="no-seccomp",
            done="a seccomp profile that the node has not",
            main=NO_SECCOMP,
            fields={"security": "image"},
            ours=Ending("container_create_error", fault="config", charged=True),
        ),
        Drill(
            name="working-directory",
            done="a working directory that is a file",
            main={"workingDir": "/bin/busybox"},
            ours=Ending("start_error"),
        ),
        Drill(
            name="no-command",
            done="a command that is not there",
            command=("no-such-command",),
            ours=Ending("command_not_found", exit_code=127),
            plain=Ending("start_error"),
        ),
        Drill(
            name="not-executable",
            done="a command that is not executable",
            command=("/etc/hostname",),
            ours=Ending("command_not_executable", exit_code=126),
            plain=Ending("start_error"),
        ),
        Drill(
            name="no-volume",
            done="a volume from a ConfigMap that is not there",
            pod=IN_VOLUME,
            main={"volumeMounts": [{"name": "v", "mountPath": "/v"}]},
            ours=Ending("sandbox_or_volume", fault="config"),
            is_slow=True,
        ),
        Drill(
            name="no-node-label",
            done="a node selector that fits no node",
            pod={"nodeSelector": {"eightbells.test/none": "x"}},
            ours=Ending("unschedulable"),
        ),
        Drill(
            name="too-large",
            done="more processors than any node has",
            fields={"resources": {"cpu": "1000"}},
            ours=Ending("unschedulable"),
        ),
        Drill(name="no-claim", done="a PVC that is not there", pod=CLAIM, ours=Ending("unschedulable")),
        Drill(
            name="no-scheduler",
            done="a scheduler that is not there",
            pod={"schedulerName": "nobody"},
            ours=Ending("unschedulable"),
        ),
        Drill(
            name="pod-security",
            done="PodSecurity lets the pod not in",
            labels={"pod-security.kubernetes.io/enforce": "restricted"},
            fields={"security": "image"},
            ours=Ending("pod_create_denied"),
            is_slow=True,
        ),
        Drill(
            name="no-account",
            done="a ServiceAccount that is not there",
            fields={"service_account": MISSING},
            ours=Ending("pod_create_denied"),
            is_slow=True,
        ),
        Drill(
            name="policy",
            done="a ValidatingAdmissionPolicy says no",
            prepare=forbid,
            ours=Ending("pod_create_denied"),
            is_slow=True,
        ),
        Drill(
            name="webhook-down",
            done="a webhook that has to be asked does not answer",
            prepare=call_nobody,
            ours=Ending("webhook_unavailable"),
            is_slow=True,
        ),
        Drill(name="quota", done="a quota is used up", prepare=limit_pods, ours=Ending("quota_exceeded"), is_slow=True),
        Drill(
            name="quota-demands",
            done="a quota demands a limit that the pod has not",
            prepare=demand_memory,
            ours=Ending("pod_create_denied"),
        ),
        Drill(
            name="deadline-unschedulable",
            done="the Job's deadline, while no node fits",
            raw={"job": DEADLINE, "pod": {"nodeSelector": {"eightbells.test/none": "x"}}},
            ours=Ending("unschedulable"),
        ),
        Drill(
            name="deadline-config",
            done="the Job's deadline, while a ConfigMap is missing",
            raw={"job": DEADLINE},
            main=env_from("configMapKeyRef", MISSING),
            ours=Ending("container_config_error"),
        ),
    ),
)
