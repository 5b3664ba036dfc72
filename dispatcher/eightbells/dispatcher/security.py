"""The security profiles: what main may do. A template may be stricter than the profile, and never laxer.

`standard` is accepted by PodSecurity baseline and keeps what the entrypoints of common images need: to change owners and
users, to read what belongs to others, a port below 1024. `restricted` is accepted by PodSecurity restricted. `image`
leaves everything to the image, the template and the cluster.
"""

from typing import Any

from eightbells.dispatcher.dispatch import Security

KEPT = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID")
"""Capabilities of `standard`: of the runtime's own set all but NET_RAW (sniffs), MKNOD, SETPCAP, SETFCAP, AUDIT_WRITE and
SYS_CHROOT.
"""

CAPABILITIES: dict[str, dict[str, list[str]]] = {
    "standard": {"drop": ["ALL"], "add": [*KEPT]},
    "restricted": {"drop": ["ALL"]},
}


def harden(security: Security, said: dict[str, Any]) -> dict[str, Any]:
    """Return the security context of main under the profile, on top of what the template said."""
    if security == "image":
        return said
    stamped = {
        "allowPrivilegeEscalation": False,
        "capabilities": CAPABILITIES[security],
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    return {**said, **stamped} | ({"runAsNonRoot": True} if security == "restricted" else {})
