"""The security profiles on main and its pod."""

from contextlib import nullcontext
from typing import Any

import pytest
from eightbells.dispatcher.errors import Refused
from eightbells.dispatcher.security import KEPT

from tests.dispatcher.building import main, pod, template


def with_context(container: dict[str, Any] | None = None, of_pod: dict[str, Any] | None = None) -> dict[str, Any]:
    return template({"name": "main", "securityContext": container}, securityContext=of_pod)


def test_standard_is_the_default() -> None:
    """A container cannot gain privileges, and keeps what the entrypoints of common images need."""
    assert main()["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"], "add": sorted(KEPT["standard"])},
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def test_restricted_keeps_nothing_and_is_not_root() -> None:
    """No capability stays, and root is refused by the kubelet."""
    context = main(security="restricted")["securityContext"]
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert context["runAsNonRoot"] is True
    assert pod(security="restricted")["securityContext"]["runAsNonRoot"] is True


def test_image_is_left_as_it_is() -> None:
    """Nothing is stamped, and the template's word stands."""
    assert "securityContext" not in main(security="image")
    assert "securityContext" not in pod(security="image")
    assert main(security="image", template=with_context({"privileged": True}))["securityContext"] == {
        "privileged": True
    }


@pytest.mark.parametrize("security", ["standard", "restricted"])
def test_users_and_groups_of_the_template_stay(security: str) -> None:
    """What a profile does not speak of is the template's."""
    base = with_context(
        {"runAsUser": 1000, "readOnlyRootFilesystem": True}, {"fsGroup": 2000, "supplementalGroups": [3]}
    )
    context = main(security=security, template=base)["securityContext"]
    assert (context["runAsUser"], context["readOnlyRootFilesystem"]) == (1000, True)
    assert pod(security=security, template=base)["securityContext"]["fsGroup"] == 2000


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ({"drop": ["ALL"]}, []),
        ({"drop": ["all"]}, []),
        ({"drop": ["cap_kill"]}, sorted({*KEPT["standard"]} - {"KILL"})),
        ({"drop": ["ALL"], "add": ["CHOWN"]}, ["CHOWN"]),
        ({"drop": ["KILL"]}, sorted({*KEPT["standard"]} - {"KILL"})),
        ({"add": ["CHOWN"]}, sorted(KEPT["standard"])),
    ],
)
def test_template_may_be_stricter(said: dict[str, Any], kept: list[str]) -> None:
    """What the template drops stays dropped."""
    capabilities = main(template=with_context({"capabilities": said}))["securityContext"]["capabilities"]
    assert capabilities.get("add", []) == kept
    assert capabilities["drop"] == ["ALL"]


def test_own_seccomp_profile_stays() -> None:
    """A profile of the node's is as strict as the runtime's, for main or for all of the pod."""
    profile = {"type": "Localhost", "localhostProfile": "mine.json"}
    for base in (with_context({"seccompProfile": profile}), with_context(of_pod={"seccompProfile": profile})):
        assert main(template=base)["securityContext"]["seccompProfile"] == profile


@pytest.mark.parametrize(
    ("security", "context", "field"),
    [
        ("standard", {"privileged": True}, "privileged"),
        ("standard", {"allowPrivilegeEscalation": True}, "allowPrivilegeEscalation"),
        ("standard", {"capabilities": {"add": ["NET_RAW"]}}, "capabilities.add"),
        ("standard", {"seccompProfile": {"type": "Unconfined"}}, "seccompProfile.type"),
        ("standard", {"appArmorProfile": {"type": "Unconfined"}}, "appArmorProfile.type"),
        ("standard", {"procMount": "Unmasked"}, "procMount"),
        ("restricted", {"capabilities": {"add": ["CHOWN"]}}, "capabilities.add"),
        ("restricted", {"runAsNonRoot": False}, "runAsNonRoot"),
        ("restricted", {"runAsUser": 0}, "runAsUser"),
    ],
)
def test_template_is_never_laxer(security: str, context: dict[str, Any], field: str) -> None:
    """What the profile does not allow is refused, with the profile that does."""
    with pytest.raises(Refused, match="image") as caught:
        main(security=security, template=with_context(context))
    assert caught.value.field == f"template.spec.template.spec.containers[0].securityContext.{field}"


def test_no_annotation_is_laxer() -> None:
    """The older way to say the same of AppArmor is refused for main, and is the template's for its other containers."""
    containers = [{"name": name, "image": "x"} for name in ("main", "other")]
    for name, security, is_refused in (
        ("main", "standard", True),
        ("main", "restricted", True),
        ("main", "image", False),
        ("other", "standard", False),
    ):
        key = f"container.apparmor.security.beta.kubernetes.io/{name}"
        base = template(containers=containers)
        base["spec"]["template"]["metadata"] = {"annotations": {key: "unconfined"}}
        with pytest.raises(Refused, match="unconfined") if is_refused else nullcontext():
            pod(security=security, template=base)


def test_pod_is_never_laxer() -> None:
    """The template does not do for the pod what it may not do for main."""
    with pytest.raises(Refused) as caught:
        pod(security="restricted", template=with_context(of_pod={"runAsUser": 0}))
    assert caught.value.field == "template.spec.template.spec.securityContext.runAsUser"


def test_stricter_root_is_fine_with_standard() -> None:
    """A profile that allows root lets a template say which user it is."""
    assert main(template=with_context({"runAsUser": 0}))["securityContext"]["runAsUser"] == 0
