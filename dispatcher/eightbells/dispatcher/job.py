"""The Job of a dispatch, as JSON: a pure function of the dispatch and the installation's settings."""

from eightbells.dispatcher.deadline import active_deadline
from eightbells.dispatcher.dispatch import Dispatch
from eightbells.dispatcher.names import (
    DISPATCH_ANNOTATION,
    DISPATCH_LABEL,
    RERUN_ANNOTATION,
    SPEC_ANNOTATION,
    WRAPPER_ANNOTATION,
    fingerprint,
    is_label_value,
    job_name,
    label_of,
)
from eightbells.dispatcher.part import Manifest
from eightbells.dispatcher.pod import build_pod
from eightbells.dispatcher.settings import Settings

ON_DISRUPTION = {"retry": "Ignore", "count": "Count", "fail": "FailJob"}


def build_job(dispatch: Dispatch, settings: Settings) -> Manifest:
    """Return the manifest of the dispatch's Job. Raises `Refused` where there can be none."""
    labels = _labels(dispatch, settings)
    identity = {DISPATCH_ANNOTATION: dispatch.id}
    annotations = (
        identity
        | {SPEC_ANNOTATION: fingerprint(dispatch)}
        | ({RERUN_ANNOTATION: dispatch.rerun_of} if dispatch.rerun_of else {})
    )
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": job_name(settings.bus_namespace, dispatch.id),
            "namespace": dispatch.namespace or settings.namespace,
            "labels": labels,
            "annotations": annotations,
        },
        "spec": {
            "backoffLimit": dispatch.retries,
            "activeDeadlineSeconds": active_deadline(dispatch, settings),
            "ttlSecondsAfterFinished": dispatch.ttl,
            "podReplacementPolicy": "Failed",
            "podFailurePolicy": {"rules": failure_rules(dispatch, "main")},
            "template": {
                "metadata": {"labels": labels, "annotations": {**identity, WRAPPER_ANNOTATION: "entrypoint"}},
                "spec": build_pod(dispatch, settings),
            },
        },
    }


def failure_rules(dispatch: Dispatch, main: str) -> list[Manifest]:
    """Return what the Job does about a pod that failed.

    Without retries its failure is the Job's, by a rule instead of the counter: the Job's condition then says pod, exit
    code or disruption when the pod is gone.
    """
    chosen = dispatch.on_disruption or ("retry" if dispatch.retries else "fail")
    if chosen == "count" and not dispatch.retries:
        chosen = "fail"
    disrupted = {"type": "DisruptionTarget", "status": "True"}
    rules: list[Manifest] = [{"action": ON_DISRUPTION[chosen], "onPodConditions": [disrupted]}]
    if not dispatch.retries:
        failed = {"containerName": main, "operator": "NotIn", "values": [0]}
        rules.append({"action": "FailJob", "onExitCodes": failed})
    return rules


def _labels(dispatch: Dispatch, settings: Settings) -> dict[str, str]:
    readable = {DISPATCH_ANNOTATION: dispatch.id} if is_label_value(dispatch.id) else {}
    return {**dispatch.labels, **readable, DISPATCH_LABEL: label_of(settings.bus_namespace, dispatch.id)}
