"""The Job of a dispatch, as JSON: a pure function of the dispatch and the installation's settings."""

from eightbells.dispatcher.checks import check
from eightbells.dispatcher.deadline import active_deadline
from eightbells.dispatcher.dispatch import START_TIMEOUT, Dispatch, retype_dispatch
from eightbells.dispatcher.errors import Refused
from eightbells.dispatcher.limits import check_object
from eightbells.dispatcher.names import (
    DISPATCH_ANNOTATION,
    DISPATCH_LABEL,
    RERUN_ANNOTATION,
    SPEC_ANNOTATION,
    START_TIMEOUT_ANNOTATION,
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

MOST_RULES = 20
"""Of a podFailurePolicy (kubernetes, pkg/apis/batch/validation)."""


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
    seconds = f"{dispatch.start_timeout:.3f}".rstrip("0").rstrip(".")
    own = {START_TIMEOUT_ANNOTATION: seconds} if dispatch.start_timeout != START_TIMEOUT else {}
    return {SPEC_ANNOTATION: fingerprint(dispatch), **rerun, **own}


def build_failure_rules(dispatch: Dispatch, base: Base) -> list[Manifest]:
    """Return what the Job does about a pod that failed: a disruption first, then as the template says.

    An exit code is left to the counter, also without retries. A rule would put it into the Job's condition, and fail a
    Job that somebody suspends: its pod is told to stop and fails, and rules look at every pod there is, while the
    counter does not see those that the Job controller deleted (syncJob in kubernetes, pkg/controller/job).
    """
    chosen = dispatch.on_disruption or ("retry" if dispatch.retries else "fail")
    if chosen == "count" and not dispatch.retries:
        chosen = "fail"
    theirs: list[Manifest] = base.job.get("podFailurePolicy", {}).get("rules", [])
    field = f"{base.job_path}.podFailurePolicy.rules"
    if theirs and not dispatch.retries:
        raise Refused(field, "without `retries` the first failure ends the dispatch: leave it out, or say some")
    if len(theirs) >= MOST_RULES:
        raise Refused(field, f"{len(theirs)} rules and ours are more than the {MOST_RULES} of a Job: join some")
    disrupted = {"action": ACTIONS[chosen], "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    return [disrupted, *theirs]
