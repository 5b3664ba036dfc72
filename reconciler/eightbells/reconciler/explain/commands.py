"""The next kubectl line that would tell more, or that begins the remedy."""

from eightbells.events.codes import Code
from eightbells.reconciler.explain.account import Told

OF_THE_JOB = frozenset(
    {Code.POD_CREATE_DENIED, Code.QUOTA_EXCEEDED, Code.WEBHOOK_UNAVAILABLE, Code.CAUSE_LOST, Code.JOB_DELETED}
)
OF_THE_NODE = frozenset(
    {Code.NODE_LOST, Code.NODE_PRESSURE_EVICTED, Code.NODE_SHUTDOWN, Code.DRAINED, Code.KILLED_137, Code.NODE_GONE}
)
OF_THE_OUTPUT = frozenset(
    {
        Code.EXIT_NONZERO,
        Code.SIGNALLED,
        Code.OOM_KILLED,
        Code.INIT_FAILED,
        Code.CRASH_LOOP,
        Code.SIDECAR_FAILED,
        Code.PROBE_FAILED,
        Code.DEADLINE_EXCEEDED,
    }
)


def next_command(told: Told) -> str | None:
    """Return the line; None for a success, and where there is nothing to look at."""
    account, code = told.account, told.account.code or told.account.would_be
    kubectl = f"kubectl -n {account.namespace}"
    if account.decision in {"attempt", "nothing_to_say"} and "job" in account.missing and account.job:
        return f"{kubectl} get events" if told.is_live else f"{kubectl} get job/{account.job} -o yaml"
    if "pods" in account.missing and account.code is None:
        return f"{kubectl} get job,pod,events -o yaml"
    if told.log_of_a_try and told.pod:
        return (
            f"{kubectl} logs {told.pod} -c {told.container}{' --previous' if told.log_of_a_try == 'previous' else ''}"
        )
    if account.fault == "none" or code is None:
        return None
    return _look_at(told, kubectl, code)


def _look_at(told: Told, kubectl: str, code: str) -> str | None:
    """The line about whatever a code is of: the Job, the node, the container's output, or the pod."""
    if code in OF_THE_JOB or told.pod is None:
        return f"{kubectl} describe job/{told.account.job}" if told.account.job else None
    if code in OF_THE_NODE and told.node:
        return f"kubectl describe node/{told.node}"
    if code in OF_THE_OUTPUT:
        previous = " --previous" if code == Code.CRASH_LOOP else ""
        return f"{kubectl} logs {told.pod} -c {told.container}{previous}"
    return f"{kubectl} describe pod/{told.pod}"
