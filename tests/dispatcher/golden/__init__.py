"""Dispatches, each with the Job that is made of it in a file beside this one. `make golden` writes the files anew; the
difference is to be read, field by field.
"""

from pathlib import Path
from typing import Any

import msgspec
from eightbells.dispatcher.dispatch import Dispatch, Resources, SecretKey
from eightbells.dispatcher.job import build_job
from eightbells.dispatcher.settings import Settings

DIRECTORY = Path(__file__).parent

DIGEST = "sha256:" + "0123456789abcdef" * 4

SETTINGS = Settings(
    cluster="harbour", namespace="batch", runtime_image="registry.example:5000/eightbells/runtime:0.1.0"
)
STRICT = Settings(
    cluster="harbour",
    namespace="batch",
    bus_namespace="evals",
    bus_secret=SecretKey("bus", "address"),
    bus_ca_secret=SecretKey("bus", "ca.crt"),
    runtime_image=f"registry.example/eightbells/runtime@{DIGEST}",
    runtime_pull_secrets=("pull-eightbells",),
    require_digest=True,
    reserve=3,
    heartbeat=2.5,
    publish_timeout=0.5,
)

SIDECAR = {"name": "proxy", "image": "registry.example/proxy:2", "restartPolicy": "Always"}

TEMPLATE: dict[str, Any] = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {
        "name": "nightly",
        "uid": "4f3c",
        "labels": {"team": "data", "controller-uid": "4f3c", "eightbells.io/dispatch": "of-another"},
        "annotations": {"owner": "data@example.org", "eightbells.io/cancelled-at": "2026-01-01T00:00:00Z"},
    },
    "spec": {
        "backoffLimit": 6,
        "suspend": True,
        "selector": {"matchLabels": {"controller-uid": "4f3c"}},
        "podFailurePolicy": {"rules": [{"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}}]},
        "template": {
            "metadata": {
                "labels": {"team": "data", "job-name": "nightly"},
                "annotations": {"sidecar.example/inject": "no"},
            },
            "spec": {
                "restartPolicy": "OnFailure",
                "serviceAccount": "default",
                "serviceAccountName": "default",
                "automountServiceAccountToken": True,
                "priorityClassName": "low",
                "nodeSelector": {"disk": "ssd"},
                "tolerations": [{"key": "spot", "operator": "Exists"}],
                "affinity": {"podAntiAffinity": {}},
                "imagePullSecrets": [{"name": "pull-data"}],
                "securityContext": {"runAsUser": 1000, "fsGroup": 2000},
                "initContainers": [SIDECAR],
                "containers": [
                    {"name": "logs", "image": "registry.example/logs:1"},
                    {
                        "name": "main",
                        "image": "not-this-one",
                        "command": ["python", "-m", "nightly"],
                        "args": ["--all"],
                        "workingDir": "/data",
                        "env": [
                            {"name": "MODE", "value": "fast"},
                            {"name": "BOTH", "value": "$(MODE)-$(DATABASE)"},
                            {"name": "EIGHTBELLS_DUMPABLE", "value": "1"},
                        ],
                        "envFrom": [{"configMapRef": {"name": "nightly"}}],
                        "resources": {"limits": {"memory": "8Gi", "cpu": "4"}, "requests": {"memory": "1Gi"}},
                        "securityContext": {"readOnlyRootFilesystem": True, "capabilities": {"drop": ["KILL"]}},
                        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                    },
                ],
                "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
            },
        },
    },
}

INDEXED: dict[str, Any] = {
    "apiVersion": "batch/v1",
    "kind": "CronJob",
    "spec": {
        "schedule": "0 3 * * *",
        "jobTemplate": {
            "spec": {
                "completions": 10,
                "parallelism": 4,
                "completionMode": "Indexed",
                "template": {"spec": {"containers": [{"name": "shard", "image": "any"}]}},
            },
        },
    },
}

CASES: dict[str, tuple[Dispatch, Settings]] = {
    "least": (Dispatch(id="hello", image="busybox:1.36", command=("echo", "hello")), SETTINGS),
    "most": (
        Dispatch(
            id="Evals/Run:42@main",
            image=f"registry.example/eval@{DIGEST}",
            command=("/bin/run", "--model=$(MODEL)"),
            args=("--cost", "5$$"),
            env={"MODEL": "large", "DATABASE_URL": "postgres://$(DATABASE_PASSWORD)@db/evals"},
            secret_env={"DATABASE_PASSWORD": SecretKey("db", "password")},
            secret_files={
                "/etc/eval/tls.key": SecretKey("tls", "tls.key"),
                "/etc/eval/tls.crt": SecretKey("tls", "tls.crt"),
                "/root/.netrc": SecretKey("git", "netrc"),
            },
            resources=Resources(
                memory="1.5Gi", memory_request="1Gi", cpu="500m", cpu_limit="2", extra={"nvidia.com/gpu": "1"}
            ),
            timeout=90.5,
            start_timeout=60,
            grace=10,
            retries=3,
            on_disruption="count",
            labels={"team": "evals"},
            context="opaque",
            callback="https://evals.example/ended",
            ttl=600,
            namespace="evals",
            service_account="runner",
            security="restricted",
            inject=True,
            stream=True,
            inputs={"task.json": '{"n": 1}', ".config": "größer\n"},
            result="required",
            traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            rerun_of="Evals/Run:41@main",
        ),
        STRICT,
    ),
    "template": (
        Dispatch(
            id="nightly-2026-01-31",
            image="registry.example/nightly:2.1",
            env={"MODE": "thorough"},
            secret_env={"DATABASE": SecretKey("db", "url")},
            resources=Resources(memory="2Gi"),
            timeout=3600,
            retries=1,
            service_account="nightly",
            result="optional",
            template=TEMPLATE,
        ),
        SETTINGS,
    ),
    "indexed": (
        Dispatch(id="shards", image="registry.example/shards", args=("--fast",), timeout=600, template=INDEXED),
        SETTINGS,
    ),
    "as-the-image-is": (Dispatch(id="root", image="nginx:latest", security="image", on_disruption="retry"), SETTINGS),
    "injected": (Dispatch(id="busybox", image="busybox:1.36", command=("true",), inject=True), SETTINGS),
}


def write_text(name: str) -> str:
    """Return the Job of the case as YAML."""
    return msgspec.yaml.encode(build_job(*CASES[name])).decode()
