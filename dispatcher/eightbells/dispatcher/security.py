"""The security profiles: what main may do. A template may be stricter than the profile, and never laxer.

`standard` is accepted by PodSecurity baseline and keeps what the entrypoints of common images need: to change owners
and users, to read what belongs to others, a port below 1024. `restricted` is accepted by PodSecurity restricted.
`image` leaves everything to the image, the template and the cluster.
"""

from collections.abc import Iterator, Mapping

from eightbells.dispatcher.dispatch import Security
from eightbells.dispatcher.errors import Refused
from eightbells.dispatcher.part import Manifest

KEPT = {
    "standard": ("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID"),
    "restricted": (),
}
"""Capabilities that stay. Of a runtime's usual ones `standard` drops NET_RAW (it sniffs), MKNOD, SETPCAP, SETFCAP,
AUDIT_WRITE and SYS_CHROOT.
"""

ALLOWED = {**KEPT, "restricted": ("NET_BIND_SERVICE",)}
"""Capabilities that a template may add: what PodSecurity restricted lets it, no more."""


APPARMOR = "container.apparmor.security.beta.kubernetes.io/"
"""With a container's name an annotation of the pod, which clusters still read as `appArmorProfile`."""


def harden_main(security: Security, said: Manifest, pod: Manifest, path: str) -> Manifest:
    """Return the security context of main under the profile, on top of what the template said of it and of the pod."""
    if security == "image":
        return said
    _check_no_laxer(security, said, path)
    capabilities = {"drop": ["ALL"], "add": _kept(security, said.get("capabilities", {}))}
    stamped: Manifest = {
        "allowPrivilegeEscalation": False,
        "capabilities": {does: names for does, names in capabilities.items() if names},
    }
    inherited = {name: pod[name] for name in ("seccompProfile",) if name in pod}
    return {**said, **stamped, **_of_both(security, inherited | said)}


def harden_pod(security: Security, said: Manifest, path: str) -> Manifest:
    """Return the security context of the pod, which holds for its other containers where they say nothing else."""
    if security == "image":
        return said
    _check_no_laxer(security, said, path)
    return {**said, **_of_both(security, said)}


def check_annotations(security: Security, said: Mapping[str, str], main: str, path: str) -> None:
    """Refuse an annotation of the pod that gives main more than the profile does."""
    if security != "image" and said.get(APPARMOR + main) == "unconfined":
        raise Refused(
            f"{path}[{APPARMOR + main!r}]",
            f'unconfined is more than `security: "{security}"` allows: leave it out, or say "image"',
        )


def _kept(security: Security, said: Manifest) -> list[str]:
    """Return the capabilities that stay: what the template adds, and of the profile's what it does not drop."""
    dropped = [one.upper().removeprefix("CAP_") for one in said.get("drop", [])]  # as runtimes read them
    kept = [] if "ALL" in dropped else [one for one in KEPT[security] if one not in dropped]
    return sorted({*kept, *said.get("add", [])})


def _of_both(security: Security, said: Manifest) -> Manifest:
    stamped: Manifest = {"seccompProfile": said.get("seccompProfile", {"type": "RuntimeDefault"})}
    return stamped | ({"runAsNonRoot": True} if security == "restricted" else {})


def _check_no_laxer(security: Security, said: Manifest, path: str) -> None:
    for field, problem in _find_laxer(security, said):
        raise Refused(
            f"{path}.{field}", f'{problem} is more than `security: "{security}"` allows: leave it out, or say "image"'
        )


def _find_laxer(security: Security, said: Manifest) -> Iterator[tuple[str, str]]:
    for capability in said.get("capabilities", {}).get("add", []):
        if capability not in ALLOWED[security]:
            yield "capabilities.add", capability
    for profile in ("seccompProfile", "appArmorProfile"):
        if said.get(profile, {}).get("type") == "Unconfined":
            yield f"{profile}.type", "Unconfined"
    lax = {"privileged": True, "allowPrivilegeEscalation": True, "procMount": "Unmasked"}
    if security == "restricted":
        lax |= {"runAsNonRoot": False, "runAsUser": 0}
    yield from ((field, str(value)) for field, value in lax.items() if said.get(field) == value)
