"""What a decision is: a finding about one attempt, a verdict about the dispatch, or that it is too early.

A code that leaves fault, retryable or charged open gets them here, from the finding's own fault.
"""

from datetime import datetime
from typing import Any, Literal

from eightbells.events.codes import Code, Fault, Retryable
from eightbells.events.schema import Data, Evidence
from eightbells.reconciler.parts import Time
from eightbells.reconciler.times import timestamp
from msgspec import Struct

BY_FAULT: dict[Fault | None, tuple[Retryable, bool]] = {
    "user": ("caller", True),
    "resource": ("more_memory", True),
    "infra": ("yes", False),
    "dependency": ("yes", False),
    "config": ("no", True),
    "cancelled": ("no", False),
    "unknown": ("once", False),
}
"""Retryable and charged, where the code leaves them to the fault."""

Asked = Literal["job", "pods", "events", "node"]
"""What a decision may need somebody to ask the API for."""

SUCCESSES = frozenset({Code.EXITED_ZERO, Code.COMPLETED_WITHOUT_REPORT})


class Finding(Struct, frozen=True, kw_only=True):
    """What ended an attempt, or keeps it from starting.

    `rule` is the rule's number in docs/faults.md. `since`: a pending state, which must last for the grace of its code.
    `rests_on_events`, `rests_on_node`: it may be another one once the Events, or the Node, are known. `report` is the
    wrapper's own word.
    """

    code: Code
    rule: str
    explanation: str
    fault: Fault
    retryable: Retryable | None = None
    charged: bool | None = None
    cause: str | None = None
    exit_code: int | None = None
    signal: str | None = None
    message: str | None = None
    remedy: str | None = None
    terminated_by: str | None = None
    started_at: str | None = None
    finished_at: str | None = None
    evidence: tuple[Evidence, ...] = ()
    warnings: tuple[str, ...] = ()
    may_still_run: bool | None = None
    pod: str | None = None
    pod_uid: str | None = None
    container: str | None = None
    since: Time | None = None
    rests_on_events: bool = False
    rests_on_node: bool = False
    report: Data | None = None


class Verdict(Finding, frozen=True, kw_only=True):
    """How the dispatch ended. `seq` is the record's that it was built on, -1 without a record."""

    state: Literal["completed", "failed"]
    seq: int = -1
    may_still_start: bool | None = None
    ruled_out: tuple[str, ...] = ()


class NotYet(Struct, frozen=True, kw_only=True):
    """Too early: look again at `until` (None: when something changes), when it `would_be` that code.

    `look` names what somebody has to ask for first: the Job by one GET, the pods by one LIST, the Events, the Node.
    `is_settled`: there is an ending already, and nothing is ever to come.
    """

    why: str
    until: Time | None = None
    would_be: Code | None = None
    finding: Finding | None = None
    look: tuple[Asked, ...] = ()
    is_settled: bool = False
    warnings: tuple[str, ...] = ()


def find(code: Code, rule: str, explanation: str, *, fault: Fault | None = None, **more: Any) -> Finding:
    """Return the finding; `fault` only where the code leaves it open."""
    blamed = code.fault or fault or "unknown"
    retryable, charged = code.retryable, code.charged
    if blamed != "none":
        by_fault = BY_FAULT[blamed]
        retryable = retryable or by_fault[0]
        charged = by_fault[1] if charged is None else charged
    return Finding(
        code=code,
        rule=rule,
        explanation=explanation,
        fault=blamed,
        retryable=retryable,
        charged=charged,
        **more,
    )


def make_verdict(finding: Finding, *, seq: int = -1, **more: Any) -> Verdict:
    """Return the finding as the ending of its dispatch."""
    known = {name: getattr(finding, name) for name in finding.__struct_fields__}
    state: Literal["completed", "failed"] = "completed" if finding.code in SUCCESSES else "failed"
    return Verdict(**known | {"state": state, "seq": seq} | more)


def fact(thing: str, field: str, value: object, at: datetime | None = None) -> Evidence:
    """Return one fact that a verdict rests on."""
    said = timestamp(value) if isinstance(value, datetime) else value
    return Evidence(object=thing, field=field, value=None if said is None else str(said), time=timestamp(at))
