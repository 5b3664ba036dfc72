"""An account for pasting into an issue: names, images and values of variables give way to numbered stand-ins.

Output is left out whole, because nobody knows what is in it. The same name has the same stand-in everywhere.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from eightbells.reconciler.explain.account import Account, Told
from msgspec.structs import replace

KEPT = frozenset({"main", "default"})
"""Names that are in every cluster."""

SHORTEST = 3
"""A shorter name is in every other word."""


def redact(tolds: Iterable[Told], raw: Iterable[dict[str, Any]]) -> list[Told]:
    """Return the accounts without anything that names somebody's work."""
    names: dict[str, str] = {}
    for one in raw:
        for kind, text in _names(one):
            if text not in KEPT and text not in names and len(text) >= SHORTEST:
                names[text] = f"{kind}-{sum(known.startswith(f'{kind}-') for known in names.values()) + 1}"
    words = sorted(names, key=len, reverse=True)
    pattern = re.compile("|".join(rf"(?<![\w.-]){re.escape(word)}(?![\w-])" for word in words)) if words else None
    return [_redacted(told, pattern, names) for told in tolds]


def _redacted(told: Told, pattern: re.Pattern[str] | None, names: dict[str, str]) -> Told:
    def hide(value: Any) -> Any:
        if isinstance(value, str):
            return pattern.sub(lambda found: names[found[0]], value) if pattern else value
        if isinstance(value, list | tuple):
            return [hide(one) for one in value]
        return {name: hide(one) for name, one in value.items()} if isinstance(value, dict) else value

    account = msgspec.convert(hide(msgspec.to_builtins(told.account)), Account)
    if told.is_of_an_end:  # what the command left, or the end of what it wrote
        account = replace(account, message=None)
    return replace(
        told,
        account=account,
        pod=hide(told.pod),
        container=hide(told.container),
        node=hide(told.node),
        report=None,
    )


def _names(one: dict[str, Any]) -> Iterator[tuple[str, str]]:
    metadata, spec = _dict(one.get("metadata")), _dict(one.get("spec"))
    template = _dict(_dict(spec.get("template")).get("spec"))
    kind = str(one.get("kind") or "object").lower()
    if kind != "event":
        yield kind, str(metadata.get("name") or "")
    yield "ns", str(metadata.get("namespace") or "")
    yield "uid", str(metadata.get("uid") or "")
    yield from _labels(metadata)
    about = _dict(one.get("involvedObject"))
    yield str(about.get("kind") or "object").lower(), str(about.get("name") or "")
    for pod in (spec, template):
        yield "node", str(pod.get("nodeName") or "")
        for container in [*_list(pod.get("initContainers")), *_list(pod.get("containers"))]:
            yield from _of_container(_dict(container))


def _of_container(container: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "container", str(container.get("name") or "")
    image = str(container.get("image") or "")
    yield "image", image
    host, slash, path = image.partition("/")
    if slash:
        yield "registry", host
        yield "repository", re.split(r"[:@]", path)[0]
    for variable in _list(container.get("env")):
        yield "value", str(_dict(variable).get("value") or "")


def _labels(metadata: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for group in ("labels", "annotations"):
        for value in _dict(metadata.get(group)).values():
            yield "value", str(value or "")


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
