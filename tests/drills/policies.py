"""Jobs whose own rules decide when their dispatch has ended."""

from typing import Any

from tests.drills.drill import Drill, Ending, Group

INDEXED = {"completions": 2, "parallelism": 1, "completionMode": "Indexed"}
BY_INDEX = "exit $JOB_COMPLETION_INDEX"


def on_code(action: str, code: int) -> dict[str, Any]:
    """A rule for an exit code of main."""
    rule = {"action": action, "onExitCodes": {"containerName": "main", "operator": "In", "values": [code]}}
    return {"podFailurePolicy": {"rules": [rule]}}


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
