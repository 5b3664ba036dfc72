"""The words of the command, and the wrapper before them."""

from typing import Any

import pytest
from eightbells.dispatcher.dispatch import SecretKey
from eightbells.dispatcher.errors import Refused
from eightbells.dispatcher.inject import LAUNCHER
from eightbells.dispatcher.settings import Settings

from tests.dispatcher.building import job, main, pod, template

ODD = ("sh", "-c", "echo $(A) $$(A) $$ $x $( $(B) \u00fc '\"")


def with_words(*command: str, args: list[str] | None = None) -> dict[str, Any]:
    return template({"name": "main", "command": list(command), "args": args})


def test_entrypoint_of_the_image_is_kept() -> None:
    """Without inject the words are arguments, because `command` would take the place of the image's wrapper."""
    built = main(command=("python", "a.py"), args=("--fast",))
    assert built["args"] == ["python", "a.py", "--fast"]
    assert "command" not in built


def test_no_command_is_the_images_own() -> None:
    """Without words the image's CMD holds."""
    assert not {"command", "args"} & set(main(command=()))


def test_injected_wrapper_comes_before_the_command() -> None:
    """With inject the words are the arguments of the wrapper in the volume."""
    built = main(command=("python", "a.py"), args=("--fast",), inject=True)
    assert built["command"] == [LAUNCHER, "--"]
    assert built["args"] == ["python", "a.py", "--fast"]


@pytest.mark.parametrize("inject", [False, True])
def test_words_are_handed_over_as_they_are(inject: bool) -> None:
    """Kubernetes expands `$(NAME)` and `$$` in arguments as in a command, so we neither add to them nor take away."""
    assert main(command=ODD, inject=inject)["args"] == list(ODD)


@pytest.mark.parametrize(
    ("base", "said", "words"),
    [
        (with_words("a", "b", args=["c"]), {"command": ()}, ["a", "b", "c"]),
        (with_words("a", "b", args=["c"]), {"command": (), "args": ("d",)}, ["a", "b", "d"]),
        (with_words("a", "b", args=["c"]), {"command": ("e",)}, ["e"]),
        (with_words(args=["c"]), {"command": ()}, ["c"]),
        (with_words(args=["c"]), {"command": ("e",), "args": ("f",)}, ["e", "f"]),
    ],
)
def test_template_may_bring_the_command(base: dict[str, Any], said: dict[str, Any], words: list[str]) -> None:
    """The template's command is run under the wrapper too; the dispatch's takes its place, arguments and all."""
    built = main(template=base, **said)
    assert built["args"] == words
    assert "command" not in built


def test_template_may_begin_with_the_wrapper() -> None:
    """An image that has the wrapper beside another ENTRYPOINT is told to start with it."""
    built = main(template=with_words("/opt/bin/eightbells-wrapper", "--", "a", args=["b"]), command=())
    assert built["command"] == ["/opt/bin/eightbells-wrapper", "--"]
    assert built["args"] == ["a", "b"]
    assert main(template=with_words("/opt/bin/eightbells-wrapper"))["args"] == ["true"]


@pytest.mark.parametrize("said", [{}, {"args": ("x",)}, {"template": with_words(args=["x"])}])
def test_inject_needs_a_command(said: dict[str, Any]) -> None:
    """What the image's own entrypoint is cannot be known from here; the message says what to do."""
    with pytest.raises(Refused, match="say the command") as caught:
        job(**{"command": (), "inject": True, **said})
    assert caught.value.field == "command"


def test_inject_takes_the_templates_command() -> None:
    """A command of the template is one."""
    assert main(template=with_words("a"), command=(), inject=True)["args"] == ["a"]


def test_inject_needs_the_image() -> None:
    """An installation that has no runtime image says so."""
    with pytest.raises(Refused, match="runtime_image"):
        job(Settings(cluster="c"), inject=True)


def test_wrapper_is_copied_first() -> None:
    """Our init container runs before the template's, into a volume that main cannot write to."""
    spec = pod(inject=True, template=template(initContainers=[{"name": "first", "image": "x"}]))
    assert [one["name"] for one in spec["initContainers"]] == ["eightbells-install", "first"]
    install, mount = spec["initContainers"][0], spec["containers"][0]["volumeMounts"][0]
    assert (mount["mountPath"], mount["readOnly"]) == ("/eightbells", True)
    assert install["command"][-1] == install["volumeMounts"][0]["mountPath"]
    assert install["volumeMounts"][0]["name"] == mount["name"] == spec["volumes"][0]["name"]


def test_copying_needs_no_rights() -> None:
    """Every profile has the same init container, which PodSecurity restricted lets in."""
    for security in ("standard", "restricted", "image"):
        context = pod(inject=True, security=security)["initContainers"][0]["securityContext"]
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert context["runAsNonRoot"] is True
        assert context["allowPrivilegeEscalation"] is False
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert context["runAsUser"] > 0


def test_copying_has_the_pods_user() -> None:
    """Where a cluster or a template gives the pod a user, the init container has no other."""
    base = template(securityContext={"runAsUser": 1000})
    assert "runAsUser" not in pod(inject=True, template=base)["initContainers"][0]["securityContext"]


def test_copying_is_given_what_main_is_given() -> None:
    """A quota or LimitRange that lets main in lets the init container in; devices are main's alone."""
    said = {"memory": "1Gi", "cpu": "1", "extra": {"nvidia.com/gpu": "1", "ephemeral-storage": "1Gi"}}
    assert pod(inject=True, resources=said)["initContainers"][0]["resources"] == {
        "limits": {"memory": "1Gi", "ephemeral-storage": "1Gi"},
        "requests": {"memory": "1Gi", "cpu": "1"},
    }
    assert pod(inject=True)["initContainers"][0]["resources"]["limits"] == {"memory": "64Mi"}


def test_runtime_image_is_pulled_with_its_secrets() -> None:
    """They come after the template's, once each, and only where they are needed."""
    settings = Settings(cluster="c", runtime_image="r.example/runtime:1", runtime_pull_secrets=("ours", "both"))
    base = template(imagePullSecrets=[{"name": "theirs"}, {"name": "both"}])
    names = [one["name"] for one in pod(settings, inject=True, template=base)["imagePullSecrets"]]
    assert names == ["theirs", "both", "ours"]
    assert "imagePullSecrets" not in pod(settings)


def test_pod_says_how_it_has_the_wrapper() -> None:
    """Who reads the pod knows that its main is ours."""
    for inject, how in ((False, "entrypoint"), (True, "injected")):
        annotations = job(inject=inject)["spec"]["template"]["metadata"]["annotations"]
        assert annotations["eightbells.io/wrapper"] == how


@pytest.mark.parametrize("field", ["command", "args"])
def test_address_of_the_bus_is_not_handed_to_the_command(field: str) -> None:
    """Kubernetes would expand it; the text itself can be written."""
    said: dict[str, Any] = {field: ("x", "$$$(EIGHTBELLS_URL)")}
    with pytest.raises(Refused) as caught:
        job(**said)
    assert caught.value.field == f"{field}[1]"
    assert main(command=("echo", "$$(EIGHTBELLS_URL)"), secret_env={"A": SecretKey("s", "k")})["args"][1].startswith(
        "$$"
    )
