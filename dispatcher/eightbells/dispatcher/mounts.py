"""What a dispatch brings into its pod as files: secrets, inputs, the place of its result, the bus's authorities.

Files are read-only, and nothing else may be at or below their path: it would hide them, or could not be mounted.
"""

from collections.abc import Iterable, Sequence
from posixpath import normpath

from eightbells.dispatcher.dispatch import Dispatch, SecretKey
from eightbells.dispatcher.errors import Refused
from eightbells.dispatcher.names import DOMAIN
from eightbells.dispatcher.part import RESERVED, Manifest, Part
from eightbells.dispatcher.syntax import check_path_length

READABLE = 0o444
"""Of secrets and inputs: the command may have any user, and nobody writes there."""

INPUTS, RESULT, AUTHORITIES = "/eightbells-inputs", "/eightbells-result", "/eightbells-ca"


def mount_secrets(files: dict[str, SecretKey]) -> Part:
    """Return the files, each mounted alone, so that the image keeps what lies beside it; a Secret is one volume."""
    secrets = sorted({key.secret for key in files.values()})
    names = {secret: f"{RESERVED}secret-{index}" for index, secret in enumerate(secrets)}
    volumes = []
    for secret, name in names.items():
        keys = sorted({one.key for one in files.values() if one.secret == secret})
        items = [{"key": key, "path": key} for key in keys]
        volumes.append({"name": name, "secret": {"secretName": secret, "items": items, "defaultMode": READABLE}})
    mounts = [_mount(names[key.secret], path) | {"subPath": key.key} for path, key in sorted(files.items())]
    return Part(volumes=tuple(volumes), mounts=tuple(mounts))


def mount_inputs(inputs: dict[str, str]) -> Part:
    """Return the inputs as annotations of the pod, numbered because a file's name may be no key, and as files."""
    if not inputs:
        return Part()
    keys = {name: f"{DOMAIN}/input-{index}" for index, name in enumerate(sorted(inputs))}
    items = [{"path": name, "fieldRef": _field(f"metadata.annotations['{key}']")} for name, key in keys.items()]
    name = f"{RESERVED}inputs"
    return Part(
        annotations={key: inputs[name] for name, key in keys.items()},
        volumes=({"name": name, "downwardAPI": {"items": items, "defaultMode": READABLE}},),
        mounts=(_mount(name, INPUTS),),
    )


def mount_result(dispatch: Dispatch) -> Part:
    """Return a place that any user may write to, on a read-only root too, and what tells the wrapper of it."""
    if dispatch.result is None:
        return Part()
    name = f"{RESERVED}result"
    return Part(
        volumes=({"name": name, "emptyDir": {}},),
        mounts=({"name": name, "mountPath": RESULT},),
        env={"RESULT": f"{RESULT}/result.json", "RESULT_REQUIRED": "1" if dispatch.result == "required" else "0"},
    )


def mount_authorities(secret: SecretKey | None) -> Part:
    """Return the certificates that the wrapper knows the bus by."""
    if secret is None:
        return Part()
    name = f"{RESERVED}ca"
    items = [{"key": secret.key, "path": "ca.pem"}]
    return Part(
        volumes=({"name": name, "secret": {"secretName": secret.secret, "items": items, "defaultMode": READABLE}},),
        mounts=(_mount(name, AUTHORITIES),),
        env={"TLS_CA": f"{AUTHORITIES}/ca.pem"},
    )


def find_taken(mounts: Iterable[Manifest], path: str) -> list[str]:
    """Return where the template mounts something, each path as the kubelet reads it. Raises `Refused` for none."""
    taken = []
    for index, mount in enumerate(mounts):
        check_path_length(f"{path}[{index}].mountPath", mount["mountPath"])
        taken.append(normpath("/" + mount["mountPath"].lstrip("/")))
    return taken


def check_mounts(dispatch: Dispatch, ours: Iterable[Manifest], taken: Sequence[str]) -> None:
    """Refuse a path of ours that is `taken`, or has something below it. `taken` is what the template mounts."""
    paths = sorted((mount["mountPath"] for mount in ours), key=len)
    for index, path in enumerate(paths):
        for other in (*taken, *paths[index + 1 :]):
            if other == path or other.startswith(f"{path}/"):
                if other in dispatch.secret_files:
                    raise Refused(f"secret_files[{other!r}]", f"is below {path}, where there is something of its own")
                field = f"secret_files[{path!r}]" if path in dispatch.secret_files else "template"
                raise Refused(field, f"{other} is mounted already by the template, at or below {path}: choose another")


def _mount(name: str, path: str) -> Manifest:
    return {"name": name, "mountPath": path, "readOnly": True}


def _field(path: str) -> Manifest:
    return {"apiVersion": "v1", "fieldPath": path}
