"""The template of a dispatch: a Job, CronJob or PodTemplate manifest that is the base of its Job.

What the dispatch says goes on top. Left out is what the API server or the Job controller wrote, and what is ours by
name; what a dispatch cannot be is refused and never dropped.
"""

from typing import Any

import msgspec
from eightbells.dispatcher.errors import Refused
from eightbells.dispatcher.names import DOMAIN
from eightbells.dispatcher.part import RESERVED, Manifest
from eightbells.dispatcher.shapes import SHAPES
from msgspec import Struct

VERSIONS = {"Job": "batch/v1", "CronJob": "batch/v1", "PodTemplate": "v1"}

JOB_PATHS = {"Job": "template", "CronJob": "template.spec.jobTemplate", "PodTemplate": "template"}
POD_PATHS = {
    "Job": "template.spec.template",
    "CronJob": "template.spec.jobTemplate.spec.template",
    "PodTemplate": "template.template",
}

OTHERS_METADATA = frozenset(
    (
        *("name", "generateName", "namespace"),
        *("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink"),
        *("deletionTimestamp", "deletionGracePeriodSeconds"),
    )
)
"""The names, which are ours, and what an object has that has been on a cluster."""

OTHERS_KEYS = frozenset(("controller-uid", "job-name", "kubectl.kubernetes.io/last-applied-configuration"))
OTHERS_DOMAINS = (f"{DOMAIN}/", "batch.kubernetes.io/")
"""Of labels and annotations: the Job controller's own, kubectl's, and what we would read as ours."""

JOB_CANNOT = {
    "backoffLimitPerIndex": "`retries` of the dispatch are those of the whole Job: leave it out",
    "maxFailedIndexes": "`retries` of the dispatch are those of the whole Job: leave it out",
    "manualSelector": "the pods are found by the selector that the API server makes: leave it out",
}
POD_CANNOT = {"activeDeadlineSeconds": "the dispatch has `timeout`: leave it out"}
MAIN_CANNOT = {
    "restartPolicy": "each of the dispatch's `retries` is a new pod: leave it out",
    "restartPolicyRules": "each of the dispatch's `retries` is a new pod: leave it out",
}
"""Fields that a dispatch cannot have, and why."""


class Base(Struct, frozen=True, kw_only=True):
    """A template taken apart. `pod` is the pod's spec with the containers but main, whose place is `index`.

    `path` leads to the pod template, for messages.
    """

    metadata: Manifest
    job: Manifest
    pod_metadata: Manifest
    pod: Manifest
    main: Manifest
    index: int
    path: str

    @property
    def job_path(self) -> str:
        """Leads to the Job's spec."""
        return self.path.removesuffix(".template")


def read_template(template: dict[str, Any] | None, namespace: str) -> Base:
    """Take the template apart. Raises `Refused` where it is none, or asks for what a dispatch cannot be."""
    found = find_job(template)
    kind = template["kind"] if template else "Job"
    metadata, job = found.get("metadata", {}), found.get("spec", {})
    pod_template = job.get("template", {})
    pod = pod_template.get("spec", {})
    _check_namespace(f"{JOB_PATHS[kind]}.metadata.namespace", metadata.get("namespace"), namespace)
    _check_job(f"{JOB_PATHS[kind]}.spec", job)
    _check_pod(f"{POD_PATHS[kind]}.spec", pod)
    containers = pod.get("containers", [])
    index = _find_main(f"{POD_PATHS[kind]}.spec", containers)
    main = containers[index] if containers else {"name": "main"}
    _check_main(f"{POD_PATHS[kind]}.spec.containers[{index}]", main)
    return Base(
        metadata=_kept(metadata),
        job={name: value for name, value in job.items() if name not in ("template", "selector")},
        pod_metadata=_kept(pod_template.get("metadata", {})),
        pod={**pod, "containers": [*containers[:index], *containers[index + 1 :]]},
        main=main,
        index=index,
        path=POD_PATHS[kind],
    )


def find_job(template: dict[str, Any] | None) -> Manifest:
    """Return metadata and spec of the template's Job, of the right types and without nulls, which say nothing."""
    if template is None:
        return {}
    kind = template.get("kind")
    if not isinstance(kind, str) or kind not in VERSIONS:
        raise Refused("template.kind", f"{kind!r} is none of {', '.join(VERSIONS)}")
    found: Manifest = _without_nulls(template)
    if found.get("apiVersion", VERSIONS[kind]) != VERSIONS[kind]:
        raise Refused("template.apiVersion", f"of a {kind} is {VERSIONS[kind]}")
    try:
        msgspec.convert(found, SHAPES[kind])
    except msgspec.ValidationError as error:
        problem, _, path = str(error).partition(" - at `$")
        raise Refused("template" + path.rstrip("`"), problem) from None
    if kind == "PodTemplate":
        return {"spec": {"template": found.get("template", {})}, "metadata": found.get("metadata", {})}
    if kind == "CronJob":
        job: Manifest = found.get("spec", {}).get("jobTemplate", {})
        return job
    return found


def count_waves(template: dict[str, Any] | None) -> int:
    """Return how many pods of the template's Job run one after the other, at least."""
    spec = find_job(template).get("spec", {})
    completions: int = spec.get("completions", 1)
    parallelism: int = spec.get("parallelism", 1)
    return -(-completions // max(1, parallelism))


def _find_main(path: str, containers: list[Manifest]) -> int:
    names = [one["name"] for one in containers]
    if len(names) > 1 and names.count("main") != 1:
        raise Refused(f"{path}.containers", f"which of {', '.join(names)} is for the command? Name that one `main`")
    return names.index("main") if "main" in names else 0


def _check_main(path: str, main: Manifest) -> None:
    _check_absent(path, main, MAIN_CANNOT)
    variables = [one["name"] for one in main.get("env", [])]
    for twice in sorted({name for name in variables if variables.count(name) > 1}):
        raise Refused(f"{path}.env", f"{twice} is there twice: keep one")


def _check_namespace(path: str, said: str | None, namespace: str) -> None:
    if said and said != namespace:
        raise Refused(path, f"{said!r} is not the dispatch's, which is {namespace!r}: say it in `namespace`")


def _check_job(path: str, job: Manifest) -> None:
    _check_absent(path, job, JOB_CANNOT)
    for name in ("completions", "parallelism"):
        if job.get(name, 1) < 1:
            raise Refused(f"{path}.{name}", "is less than 1: nothing would ever run")
        if job.get(name, 1) > 1 and job.get("completionMode") != "Indexed":
            raise Refused(f"{path}.{name}", "a dispatch of several pods needs `completionMode: Indexed`")


def _check_pod(path: str, pod: Manifest) -> None:
    _check_absent(path, pod, POD_CANNOT)
    if pod.get("os", {}).get("name", "linux") != "linux":
        raise Refused(f"{path}.os", "the wrapper is for Linux")
    for kind in ("containers", "initContainers", "volumes"):
        for index, one in enumerate(pod.get(kind, [])):
            if one["name"].startswith(RESERVED):
                raise Refused(f"{path}.{kind}[{index}].name", f"{RESERVED}… are our names: choose another")


def _check_absent(path: str, found: Manifest, remedies: dict[str, str]) -> None:
    for name, remedy in remedies.items():
        value = found.get(name)
        if value not in (None, "", []) and value is not False:  # 0 is a limit like any other
            raise Refused(f"{path}.{name}", remedy)


def _kept(metadata: Manifest) -> Manifest:
    kept = {name: value for name, value in metadata.items() if name not in OTHERS_METADATA}
    for kind in ("labels", "annotations"):
        kept[kind] = {key: text for key, text in metadata.get(kind, {}).items() if not is_others(key)}
    if "ownerReferences" in kept:  # a CronJob would count ours among its own, and delete it
        kept["ownerReferences"] = [one for one in kept["ownerReferences"] if not one.get("controller")]
    return kept


def is_others(key: str) -> bool:
    """Whether a label or annotation of this name is set by us, by kubectl or by the Job controller."""
    return key in OTHERS_KEYS or key.startswith(OTHERS_DOMAINS)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(one) for name, one in value.items() if one is not None}
    return [_without_nulls(one) for one in value] if isinstance(value, list) else value
