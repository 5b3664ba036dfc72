"""The Job of a dispatch, as JSON: a pure function of the dispatch and the installation's settings."""

from eightbells.dispatcher.checks import check
from eightbells.dispatcher.deadline import active_deadline
from eightbells.dispatcher.dispatch import Dispatch, retype_dispatch
from eightbells.dispatcher.errors import Refused
from eightbells.dispatcher.limits import check_object
from eightbells.dispatcher.names import (
    DISPATCH_ANNOTATION,
    DISPATCH_LABEL,
    RERUN_ANNOTATION,
    SPEC_ANNOTATION,
    fingerprint,
    is_label_value,
    job_name,
    label_of,
)
from eightbells.dispatcher.part import Manifest
from eightbells.dispatcher.pod import build_pod_template
from eightbells.dispatcher.settings import Settings
from eightbells.dispatcher.template import Base, read_template

ACTIONS = {"retry": "Ignore", "count": "Count", "fail": "FailJob"}
"""What a Job does about a pod that was disrupted, by what the dispatch says of that."""


def build_job(dispatch: Dispatch, settings: Settings) -> Manifest:
    """Return the manifest of the dispatch's Job. Raises `Refused` where there can be none."""
    dispatch = retype_dispatch(dispatch)
    check(dispatch, settings)
    namespace = dispatch.namespace or settings.namespace
    base = read_template(dispatch.template, namespace)
    pod = build_pod_template(dispatch, settings, base)
    job: Manifest = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": job_name(settings.bus_namespace, dispatch.id),
            "namespace": namespace,
            **mark(base.metadata, dispatch, settings),
        },
        "spec": {
            **base.job,
            "backoffLimit": dispatch.retries,
            "activeDeadlineSeconds": active_deadline(dispatch, settings),
            "ttlSecondsAfterFinished": dispatch.ttl,
            "podReplacementPolicy": "Failed",  # one run at a time
            "podFailurePolicy": {"rules": build_failure_rules(dispatch, base)},
            "template": {"metadata": mark(pod["metadata"], dispatch, settings), "spec": pod["spec"]},
        },
    }
    job["metadata"]["annotations"] |= said_of_the_job(dispatch)
    check_object(dispatch, job)
    return job


def mark(metadata: Manifest, dispatch: Dispatch, settings: Settings) -> Manifest:
    """Return the metadata with the labels and the annotation that Job and pod have in common."""
    readable = {DISPATCH_ANNOTATION: dispatch.id} if is_label_value(dispatch.id) else {}
    ours = readable | {DISPATCH_LABEL: label_of(settings.bus_namespace, dispatch.id)}
    return {
        **metadata,
        "labels": metadata["labels"] | dispatch.labels | ours,
        "annotations": metadata["annotations"] | {DISPATCH_ANNOTATION: dispatch.id},
    }


def said_of_the_job(dispatch: Dispatch) -> dict[str, str]:
    """Return the annotations that the Job alone has."""
    rerun = {RERUN_ANNOTATION: dispatch.rerun_of} if dispatch.rerun_of else {}
    return {SPEC_ANNOTATION: fingerprint(dispatch), **rerun}


def build_failure_rules(dispatch: Dispatch, base: Base) -> list[Manifest]:
    """Return what the Job does about a pod that failed: a disruption first, then as the template says.

    Without retries a failure is the Job's by a rule instead of the counter: its condition then says pod, exit code or
    disruption when the pod is gone.
    """
    chosen = dispatch.on_disruption or ("retry" if dispatch.retries else "fail")
    if chosen == "count" and not dispatch.retries:
        chosen = "fail"
    theirs: list[Manifest] = base.job.get("podFailurePolicy", {}).get("rules", [])
    if theirs and not dispatch.retries:
        raise Refused(
            "template: podFailurePolicy",
            "without `retries` the first failure ends the dispatch: leave it out, or say some",
        )
    rules: list[Manifest] = [
        {"action": ACTIONS[chosen], "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
        *theirs,
    ]
    if not dispatch.retries:
        failed = {"containerName": base.main["name"], "operator": "NotIn", "values": [0]}
        rules.append({"action": "FailJob", "onExitCodes": failed})
    return rules
