"""Jobs whose own rules decide when their dispatch has ended."""

from typing import Any

from kubernetes import client

from tests.drills.case import Case
from tests.drills.drill import Drill, Ending, Group

INDEXED = {"completions": 2, "parallelism": 1, "completionMode": "Indexed"}
BY_INDEX = "exit $JOB_COMPLETION_INDEX"


def on_code(action: str, code: int) -> dict[str, Any]:
    """A rule for an exit code of main."""
    rule = {"action": action, "onExitCodes": {"containerName": "main", "operator": "In", "values": [code]}}
    return {"podFailurePolicy": {"rules": [rule]}}


def raise_flag(case: Case) -> None:
    """Let the next run succeed: the file that the command looks for is there from now on."""
    flag = client.V1ConfigMap(metadata=client.V1ObjectMeta(name=case.drill.name), data={"up": "x"})
    case.site.cluster.core.create_namespaced_config_map(case.site.namespace, flag)


def until_flag(name: str, done: str, **more: Any) -> Drill:
    """A command that fails with 9 until somebody raises its flag."""
    return Drill(
        name=name,
        done=done,
        script="echo working; test -e /flag/up || exit 9",
        act=raise_flag,
        fields={"retries": 1},
        pod={"volumes": [{"name": "flag", "configMap": {"name": name, "optional": True}}]},
        main={"volumeMounts": [{"name": "flag", "mountPath": "/flag"}]},
        ours=Ending("exited_zero", attempts=2),
        plain=Ending("completed_without_report"),
        **more,
    )


POLICIES = Group(
    "Job policies",
    (
        Drill(
            name="retries-used-up",
            done="exit 9, retries 1",
            script="exit 9",
            fields={"retries": 1},
            ours=Ending("exit_nonzero", exit_code=9, attempts=2),
            is_slow=True,
        ),
        until_flag("retried", "exit 9, retries 1, and the second run succeeds"),
        until_flag(
            "ignored", "podFailurePolicy Ignore for exit 9, and the second run succeeds", spec=on_code("Ignore", 9)
        ),
        Drill(
            name="fail-job",
            done="podFailurePolicy FailJob for exit 42, retries 3",
            script="exit 42",
            fields={"retries": 3},
            spec=on_code("FailJob", 42),
            ours=Ending("exit_nonzero", exit_code=42, attempts=1),
        ),
        Drill(
            name="indexed",
            done="Indexed, 2 completions, both exit 0",
            spec=INDEXED,
            ours=Ending("exited_zero", attempts=2),
            plain=Ending("completed_without_report"),
        ),
        Drill(
            name="indexed-fails",
            done="Indexed, 2 completions, index 1 exits with 1",
            script=BY_INDEX,
            spec=INDEXED,
            ours=Ending("exit_nonzero", exit_code=1),
        ),
        Drill(
            name="per-index",
            done="Indexed with backoffLimitPerIndex 0, index 1 exits with 1",
            script=BY_INDEX,
            spec={**INDEXED, "parallelism": 2},
            fields={"retries": 2},
            raw={"job": {"backoffLimitPerIndex": 0}},
            ours=Ending("exit_nonzero", exit_code=1),
        ),
        Drill(
            name="success-policy",
            done="successPolicy: index 0 is enough",
            script=BY_INDEX,
            spec={**INDEXED, "successPolicy": {"rules": [{"succeededIndexes": "0"}]}},
            ours=Ending("exited_zero"),
            plain=Ending("completed_without_report"),
        ),
    ),
)
