"""Every form that the wrapper comes in, run as strictly as Kubernetes can: PodSecurity `restricted` is enforced.

The images of `images/` have it as their ENTRYPOINT; into others it is injected, down to one that is a single program.
"""

import base64
import json
import lzma
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.behaviour import basic
from tests.cluster.cluster import Cluster
from tests.cluster.images import BUSYBOX, find_program, write_image
from tests.cluster.oci import ARCHITECTURE, CONFIG, LAYER, Blob, Image, as_json, busybox_image
from tests.cluster.registry import Behaviour, Registry
from tests.e2e.images import Images
from tests.e2e.site import SECONDS, Site, open_site, tail_of
from tests.waiting import wait_until
from tools.images.workshop import find_local, name_archive

SCRATCH = "eightbells.test/scratch:1"
IMAGE_USER = 65532
ENDS = {0: ("completed", "exited_zero"), 7: ("failed", "exit_nonzero")}
CONFINED = {"CapEff": "0" * 16, "CapBnd": "0" * 16, "NoNewPrivs": "1", "Seccomp": "2"}
"""What the kernel says of a process under the profile: no capability, none to gain, and a filter of system calls."""

SHELL = "cat /proc/self/status /proc/self/mountinfo; exit $0"
PYTHON = """
import sys
for name in ("status", "mountinfo"):
    print(open(f"/proc/self/{name}").read())
sys.exit(int(sys.argv[1]))
"""


@dataclass(frozen=True)
class Form:
    """An image with or without the wrapper, and a command that shows how it is confined; its last word is the code."""

    image: Callable[[Images], str]
    words: tuple[str, ...] = ("sh", "-c", SHELL)
    is_injected: bool = False


ENTRYPOINTS = {
    "python": Form(lambda images: images.python, ("python3", "-c", PYTHON)),
    "debian": Form(lambda images: images.debian),
    "any": Form(lambda images: images.any),
}
INJECTED = {
    "into-debian": Form(lambda images: images.debian, is_injected=True),
    "into-busybox": Form(lambda _: BUSYBOX, is_injected=True),
    "into-scratch": Form(lambda _: SCRATCH, ("/busybox", "sh", "-c", f"/busybox {SHELL}"), is_injected=True),
}
FORMS = ENTRYPOINTS | INJECTED


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace that lets in nothing but what PodSecurity calls restricted."""
    with cluster.namespace({"pod-security.kubernetes.io/enforce": "restricted"}) as name:
        yield name


@pytest.fixture
def scratch(cluster: Cluster, tmp_path: Path) -> None:
    """An image of nothing but one static program, on every node."""
    write_image(tmp_path / "scratch.tar", SCRATCH, {"busybox": find_program("busybox")}, {}, ["/busybox"])
    cluster.load_image(tmp_path / "scratch.tar")


def confine(user: int) -> dict[str, Any]:
    """A template: all of the pod as this user, and main with nothing to write to."""
    main = {"name": "main", "securityContext": {"readOnlyRootFilesystem": True}}
    spec = {"securityContext": {"runAsUser": user, "runAsGroup": user}, "containers": [main]}
    return {"kind": "Job", "spec": {"template": {"spec": spec}}}


def read_status(output: str) -> dict[str, str]:
    """What `/proc/self/status` says of user and confinement."""
    return dict(re.findall(r"^(Uid|CapEff|CapBnd|NoNewPrivs|Seccomp):\t(\w+)", output, re.MULTILINE))


def read_mounts(output: str) -> dict[str, str]:
    """For each mount of `/proc/self/mountinfo`, `ro` or `rw`."""
    return dict(re.findall(r"^\d+ \d+ \S+ \S+ (/\S*) (r[ow])\b", output, re.MULTILINE))


@pytest.mark.usefixtures("scratch")
@pytest.mark.parametrize("code", ENDS)
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_every_form_ends_once(site: Site, form: Form, code: int) -> None:
    """As a user that no image knows, on a read-only root, with no capability: code, output and place are there."""
    image, user = form.image(site.images), random.randrange(1 << 16, 1 << 31)
    confined: dict[str, Any] = {"security": "restricted", "template": confine(user)}
    dispatch = site.submit(*form.words, str(code), image=image, inject=form.is_injected, **confined)
    assert site.termination(dispatch)[0] == code
    data, pod = site.ending(dispatch), site.pod(dispatch)
    assert (data.state, data.code, data.exit_code) == (*ENDS[code], code)
    assert data.place
    assert (data.place.pod_uid, data.place.node) == (pod.metadata.uid, pod.spec.node_name)
    assert (data.place.container, data.place.image) == ("main", image)
    output = tail_of(data.stdout)
    assert read_status(output) == {"Uid": str(user), **CONFINED}
    assert read_mounts(output)["/"] == "ro"
    assert read_mounts(output).get("/eightbells") == ("ro" if form.is_injected else None)


@pytest.mark.parametrize("form", ENTRYPOINTS.values(), ids=ENTRYPOINTS)
def test_an_executor_image_needs_no_template(site: Site, form: Form) -> None:
    """Its own USER is a number that is not root, which is all that `restricted` asks of an image."""
    data = site.ending(site.submit(*form.words, "0", image=form.image(site.images), security="restricted"))
    assert (data.state, data.code) == ENDS[0]
    assert read_status(tail_of(data.stdout)) == {"Uid": str(IMAGE_USER), **CONFINED}


@pytest.mark.parametrize("security", ["standard", "image"])
def test_no_other_profile_is_let_in(site: Site, security: str) -> None:
    """The API server refuses its pod, which shows that what is let in above is restricted indeed."""
    dispatch = site.submit("true", security=security, template=confine(IMAGE_USER))
    said = wait_until(lambda: list_refusals(site), "the pod is refused", within=SECONDS)
    assert 'violates PodSecurity "restricted' in said[0]
    assert site.pods(dispatch) == []


def list_refusals(site: Site) -> list[str]:
    """Why the Job controller could not create pods."""
    events = site.cluster.core.list_namespaced_event(site.namespace).items
    return [str(event.message) for event in events if event.reason == "FailedCreate"]


def test_the_runtime_is_pulled_with_its_own_secret(cluster: Cluster, namespace: str, images: Images) -> None:
    """`inject` works where the runtime's image lies in a registry that asks for a login, and the command's does not."""
    login = ("reader", "p4ssw0rd")
    with Registry(cluster.host_address) as registry:
        cluster.use_registry(registry.address)
        runtime = registry.add("runtime:1", read_runtime(), Behaviour.LOGIN_REQUIRED, login=login)
        create_pull_secret(cluster, namespace, registry.address, login)
        with open_site(cluster, namespace, replace(images, runtime=runtime), runtime_pull_secrets=("pull",)) as site:
            said: dict[str, Any] = {
                "image": BUSYBOX,
                "inject": True,
                "security": "restricted",
                "template": confine(IMAGE_USER),
            }
            assert site.ending(site.submit("true", **said)).code == "exited_zero"
        assert basic(*login) in {request.authorization for request in registry.requests_for("runtime:1")}


def test_an_image_by_digest_is_the_one_that_ran(site: Site) -> None:
    """The digest that every event says is the one that the kubelet says of the container."""
    image = busybox_image(find_program("busybox"))
    with Registry(site.cluster.host_address) as registry:
        site.cluster.use_registry(registry.address)
        digest = image.manifest.digest
        pinned = f"{registry.add('app:1', image)}@{digest}"
        said: dict[str, Any] = {"inject": True, "security": "restricted", "template": confine(IMAGE_USER)}
        dispatch = site.submit("sh", "-c", "exit 0", image=pinned, **said)
        assert site.ending(dispatch).code == "exited_zero"
        assert site.termination(dispatch)[0] == 0
    places = [event.data.place for event in site.events(dispatch)]
    assert [place and place.image_id for place in places] == [f"{registry.address}/app@{digest}"] * 2
    (status,) = site.pod(dispatch).status.container_statuses
    assert status.image_id.endswith(f"@{digest}")


def read_runtime() -> Image:
    """The image of `images/runtime.Dockerfile`, as a registry has it."""
    layer = Blob.of(LAYER, lzma.decompress(name_archive(find_local()).read_bytes()))
    rootfs = {"type": "layers", "diff_ids": [layer.digest]}
    return Image(as_json(CONFIG, {"architecture": ARCHITECTURE, "os": "linux", "rootfs": rootfs}), (layer,))


def create_pull_secret(cluster: Cluster, namespace: str, registry: str, login: tuple[str, str]) -> None:
    """The Secret `pull`, as `kubectl create secret docker-registry` makes it."""
    auth = base64.b64encode(":".join(login).encode()).decode()
    config = json.dumps({"auths": {registry: {"auth": auth}}})
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "pull"}}
    kind = "kubernetes.io/dockerconfigjson"
    cluster.create({**secret, "type": kind, "stringData": {".dockerconfigjson": config}}, namespace)
