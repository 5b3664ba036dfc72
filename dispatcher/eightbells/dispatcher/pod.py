"""The pod of a dispatch: the template, its main made ours, and what the parts add.

Two switches and three fields of main have a value of ours only where the template says nothing; every other field that
we set is ours.
"""

from eightbells.dispatcher.deadline import termination_grace
from eightbells.dispatcher.dispatch import Dispatch
from eightbells.dispatcher.environment import build_env, check_template_env
from eightbells.dispatcher.errors import Refused
from eightbells.dispatcher.inject import build_words, find_words, inject
from eightbells.dispatcher.limits import check_program
from eightbells.dispatcher.mounts import (
    check_mounts,
    find_taken,
    mount_authorities,
    mount_inputs,
    mount_result,
    mount_secrets,
)
from eightbells.dispatcher.names import EVIDENCE_FINALIZER, WRAPPER_ANNOTATION
from eightbells.dispatcher.part import Manifest, Part, join_parts
from eightbells.dispatcher.pulling import pull_policy
from eightbells.dispatcher.quantities import build_resources
from eightbells.dispatcher.security import check_annotations, harden_main, harden_pod
from eightbells.dispatcher.settings import Settings
from eightbells.dispatcher.syntax import check_image
from eightbells.dispatcher.template import Base

SWITCHES = {"enableServiceLinks": False, "automountServiceAccountToken": False}
"""Off unless the template says so: an old variable for each Service, and a token that few commands use."""


def build_pod_template(dispatch: Dispatch, settings: Settings, base: Base) -> Manifest:
    """Return metadata and spec of the pod, without the labels and annotations that it has in common with its Job."""
    resources = build_resources(dispatch.resources, base.main.get("resources", {}))
    added = join_parts(
        [
            inject(dispatch, settings, resources, base.pod.get("securityContext", {})),
            mount_secrets(dispatch.secret_files),
            mount_inputs(dispatch.inputs),
            mount_result(dispatch),
            mount_authorities(settings.bus_ca_secret),
        ]
    )
    main = build_main(dispatch, settings, base, added) | ({"resources": resources} if resources else {})
    spec = build_spec(dispatch, settings, base, added, main)
    if settings.require_digest:
        _check_digests(base, spec)
    return {"metadata": build_metadata(dispatch, settings, base, added), "spec": spec}


def build_metadata(dispatch: Dispatch, settings: Settings, base: Base, added: Part) -> Manifest:
    """Return the metadata of the pod: the template's, what the parts add, how it has the wrapper, what keeps it."""
    said = base.pod_metadata
    check_annotations(dispatch.security, said["annotations"], base.main["name"], f"{base.path}.metadata.annotations")
    carried = {WRAPPER_ANNOTATION: "injected" if dispatch.inject else "entrypoint"}
    metadata: Manifest = {**said, "annotations": said["annotations"] | added.annotations | carried}
    if settings.keep_evidence:
        metadata["finalizers"] = list(dict.fromkeys([*said.get("finalizers", []), EVIDENCE_FINALIZER]))
    return metadata


def build_spec(dispatch: Dispatch, settings: Settings, base: Base, added: Part, main: Manifest) -> Manifest:
    """Return the spec of the pod with `main` in its place."""
    pod, others = base.pod, base.pod["containers"]
    secrets = [{"name": name} for name in settings.runtime_pull_secrets if dispatch.inject]
    secrets = [one for one in secrets if one not in pod.get("imagePullSecrets", [])]
    spec: Manifest = {
        **SWITCHES,
        **pod,
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": termination_grace(dispatch, settings),
        "securityContext": harden_pod(
            dispatch.security, pod.get("securityContext", {}), f"{base.path}.spec.securityContext"
        ),
        "imagePullSecrets": [*pod.get("imagePullSecrets", []), *secrets],
        "initContainers": [*added.init, *pod.get("initContainers", [])],
        "containers": [*others[: base.index], main, *others[base.index :]],
        "volumes": [*pod.get("volumes", []), *added.volumes],
    }
    if dispatch.service_account:
        spec.pop("serviceAccount", None)  # the old name of the same field, which would have to say the same
        spec["serviceAccountName"] = dispatch.service_account
    return {name: value for name, value in spec.items() if value not in ([], {})}


def build_main(dispatch: Dispatch, settings: Settings, base: Base, added: Part) -> Manifest:
    """Return the container of the command, without its resources."""
    said, path = base.main, f"{base.path}.spec.containers[{base.index}]"
    words = find_words(dispatch, said, path)
    main: Manifest = {
        "name": said["name"],
        "image": dispatch.image,
        **build_words(dispatch, words),
        "imagePullPolicy": pull_policy(dispatch.image),
        "terminationMessagePath": "/dev/termination-log",
        # Only a wrapper that could not be started leaves the file empty, and then the log says why.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        **{name: value for name, value in said.items() if value != "" and name not in ("image", "command", "args")},
        "securityContext": harden_main(
            dispatch.security,
            said.get("securityContext", {}),
            base.pod.get("securityContext", {}),
            f"{path}.securityContext",
        ),
        "volumeMounts": [*said.get("volumeMounts", []), *added.mounts],
    }
    check_template_env(said.get("env", []), f"{path}.env")
    taken = find_taken(said.get("volumeMounts", []), f"{path}.volumeMounts")
    check_mounts(dispatch, added.mounts, [*taken, main["terminationMessagePath"]])
    main["env"] = build_env(dispatch, settings, said.get("env", []), main, added.env)
    check_program(dispatch, main["env"], words.said)
    return {name: value for name, value in main.items() if value not in ([], {})}


def _check_digests(base: Base, spec: Manifest) -> None:
    for kind in ("initContainers", "containers"):
        for one in spec.get(kind, []):
            if "image" not in one:
                raise Refused(f"{base.path}.spec.{kind}", f"{one['name']} has no image")
            check_image(f"{base.path}.spec.{kind}: image of {one['name']}", one["image"], require_digest=True)
    for one in spec.get("volumes", []):
        if "image" in one:
            named = one["image"].get("reference", "")
            check_image(f"{base.path}.spec.volumes: image of {one['name']}", named, require_digest=True)
