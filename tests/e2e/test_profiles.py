"""The table of docs/dispatch.md of what a command can still do under each security profile, on a real node."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.images import BUSYBOX
from tests.dispatcher.building import job
from tests.e2e.pods import read_output, wait_for_pod

if TYPE_CHECKING:
    from tests.cluster.cluster import Cluster

PAGE = (Path(__file__).resolve().parents[2] / "docs/dispatch.md").read_text()

DEEDS = {
    "give a file": "touch /tmp/mine && chown 1000 /tmp/mine",
    "read and write": "cat /data/theirs/file && echo >> /data/theirs/file",
    "become another user": "echo other:x:1000:1000::/:/bin/sh >/etc/passwd && su other -c true",
    "listen on a port": "httpd -p 80",
    "send raw packets": "ping -c 1 -W 5 127.0.0.1",
    "make a device": "mknod /tmp/null c 1 3",
    "change its root": "chroot / /bin/true",
}
"""A command for each row, which begins like this."""

PREPARE = "mkdir /data/theirs && echo x > /data/theirs/file && chmod 600 /data/theirs/file && chmod 700 /data/theirs"


def do_deeds(cluster: "Cluster", namespace: str, security: str) -> dict[str, str]:
    """Try each under the profile, in a pod whose main is hardened as ours is; return yes or no."""
    user = {"runAsUser": 65532} if security == "restricted" else {}
    base = {"kind": "Job", "spec": {"template": {"spec": {"containers": [{"name": "main", "securityContext": user}]}}}}
    spec: Any = job(security=security, image=BUSYBOX, template=base)["spec"]["template"]["spec"]
    script = "".join(f"if ({deed}) >/dev/null 2>&1; then echo yes; else echo no; fi\n" for deed in DEEDS.values())
    mounts = [{"name": "data", "mountPath": "/data"}]
    spec["containers"][0] |= {"command": ["sh", "-c", script], "args": [], "env": [], "volumeMounts": mounts}
    spec["volumes"] = [{"name": "data", "emptyDir": {}}]
    owner = {"name": "owner", "image": BUSYBOX, "command": ["sh", "-c", PREPARE], "volumeMounts": mounts}
    spec["initContainers"] = [owner | {"securityContext": {"runAsUser": 1000}}]
    pod: Any = {"metadata": {"name": "pod"}, "spec": spec}
    cluster.core.create_namespaced_pod(namespace, pod)
    wait_for_pod(cluster, namespace, "Succeeded", "Failed")
    return dict(zip(DEEDS, read_output(cluster, namespace).split(), strict=True))


@pytest.mark.parametrize(("column", "security"), list(enumerate(["standard", "restricted", "image"])))
def test_profile_allows_what_the_page_says(cluster: "Cluster", namespace: str, column: int, security: str) -> None:
    """Every row of the table is what happens."""
    rows = re.findall(r"^\| ([^|]+) \| (yes|no) \| (yes|no) \| (yes|no) \|", PAGE, re.MULTILINE)
    said = {next(deed for deed in DEEDS if row[0].startswith(deed)): row[1 + column] for row in rows}
    assert list(said) == list(DEEDS)
    assert do_deeds(cluster, namespace, security) == said
