"""How the wrapper comes before the command: as the image's ENTRYPOINT, or brought into an image that does not have it.

The words of the command are arguments either way: Kubernetes' `command` would take the place of the ENTRYPOINT. It
expands `$(NAME)` and `$$` in both by one rule, so they mean what they meant.
"""

from eightbells.dispatcher.dispatch import Dispatch
from eightbells.dispatcher.environment import URL
from eightbells.dispatcher.errors import Refused
from eightbells.dispatcher.expansion import find_references
from eightbells.dispatcher.part import RESERVED, Manifest, Part
from eightbells.dispatcher.pulling import pull_policy
from eightbells.dispatcher.settings import Settings
from msgspec import Struct

HOME = "/eightbells"
LAUNCHER = f"{HOME}/bin/eightbells-wrapper"
"""The same in every image that has the wrapper, and in the one that holds nothing else."""

TARGET = "/eightbells-runtime"
"""Where the init container has the volume: in its own image `/eightbells` is what it copies."""

NOBODY = 65532
"""The user of our init container, where the pod names none: PodSecurity restricted wants one that is not root."""

NEEDED = ("cpu", "memory", "ephemeral-storage")

LEAST = {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "64Mi"}}
"""What copying 17 MB is given, where main is given nothing that a quota or LimitRange could have asked for."""


class Words(Struct, frozen=True):
    """What main is to run: `said` are the words, each with its field; `launcher` is the wrapper, where it is named."""

    said: list[tuple[str, str]]
    launcher: list[str]
    has_command: bool


def find_words(dispatch: Dispatch, main: Manifest, path: str) -> Words:
    """Return the command: the dispatch's, or the template's with the arguments of whoever says some.

    A template that begins with the wrapper keeps it: its image has another ENTRYPOINT.
    """
    command, launcher = list(main.get("command", [])), []
    if command and command[0].rpartition("/")[2] == "eightbells-wrapper":
        launcher = [command[0], "--"]
        command = command[2:] if command[1:2] == ["--"] else command[1:]
    own = _placed(f"{path}.command", command)
    args = _placed("args", dispatch.args) or _placed(f"{path}.args", main.get("args", []))
    if dispatch.command:
        own, args = _placed("command", dispatch.command), _placed("args", dispatch.args)
    for field, word in own + args:
        if URL in find_references(word):
            raise Refused(field, f"$({URL}) is the wrapper's alone; for the text itself write $$({URL})")
    return Words(own + args, launcher, bool(own))


def build_words(dispatch: Dispatch, words: Words) -> Manifest:
    """Return `command` and `args` of main. Raises `Refused` where the command is not known and has to be."""
    args = {"args": [word for _, word in words.said]} if words.said else {}
    if not dispatch.inject:
        return args | ({"command": words.launcher} if words.launcher else {})
    if not words.has_command:
        raise Refused(
            "command",
            "is empty, and `inject` puts the wrapper in the place of the image's own entrypoint, which is not known "
            "here: say the command; `docker inspect` shows what the image's is",
        )
    return args | {"command": [LAUNCHER, "--"]}


def inject(dispatch: Dispatch, settings: Settings, resources: Manifest, pod_context: Manifest) -> Part:
    """Return the init container that copies the wrapper into a volume, and the volume.

    It is given what main is given, devices apart: the two never run at once, so it costs nothing, and what lets main in
    lets it in.
    """
    if not dispatch.inject or not settings.runtime_image:
        return Part()
    name = f"{RESERVED}runtime"
    install: Manifest = {
        "name": f"{RESERVED}install",
        "image": settings.runtime_image,
        "imagePullPolicy": pull_policy(settings.runtime_image),
        "command": [LAUNCHER, "--install", TARGET],
        "resources": _take_resources(resources) or LEAST,
        "securityContext": _harden_install(pod_context),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [{"name": name, "mountPath": TARGET}],
    }
    return Part(
        init=(install,),
        volumes=({"name": name, "emptyDir": {"sizeLimit": "64Mi"}},),
        mounts=({"name": name, "mountPath": HOME, "readOnly": True},),
    )


def _take_resources(resources: Manifest) -> Manifest:
    amounts = {kind: resources.get(kind, {}) for kind in ("limits", "requests")}
    taken = {kind: {name: some[name] for name in NEEDED if name in some} for kind, some in amounts.items()}
    return {kind: some for kind, some in taken.items() if some}


def _harden_install(pod_context: Manifest) -> Manifest:
    context: Manifest = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    return context if pod_context.get("runAsUser") else {**context, "runAsUser": NOBODY, "runAsGroup": NOBODY}


def _placed(field: str, words: list[str] | tuple[str, ...]) -> list[tuple[str, str]]:
    return [(f"{field}[{index}]", word) for index, word in enumerate(words)]
