"""A dump of Kubernetes objects to values: JSON or YAML, one object, a List, several documents one after the other.

What cannot be read is named and left out; only a file in which nothing can be read is an error.
"""

import json
import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any, TypeVar

import msgspec
from eightbells.reconciler.events import Event
from eightbells.reconciler.explain.moments import newest_time
from eightbells.reconciler.objects import Job, Node, Pod
from msgspec import Struct

KINDS: dict[str, type[Job] | type[Pod] | type[Event] | type[Node]] = {
    "Job": Job,
    "Pod": Pod,
    "Event": Event,
    "Node": Node,
}

RIGHT = "kubectl -n NAMESPACE get job,pod,events -o yaml | eightbells explain -f -"

_DOCUMENT = re.compile(r"^---(?=\s|$)[^\n]*", re.MULTILINE)
_DESCRIPTION = re.compile(r"\A\s*(Name:[ \t]+\S+|NAME[ \t]+\S.*)$", re.MULTILINE)


class Unreadable(ValueError):
    """Nothing in the file is an object that we can read; says what is there instead, and the command that works."""


class Broken(Struct, frozen=True):
    """An object, or a document, that was left out: which, and what is wrong with it."""

    name: str
    problem: str


class Dump(Struct, frozen=True, kw_only=True):
    """What a file holds. `raw` are the objects as they stand there; `newest` is the newest time found in any."""

    jobs: tuple[Job, ...] = ()
    pods: tuple[Pod, ...] = ()
    events: tuple[Event, ...] = ()
    nodes: tuple[Node, ...] = ()
    broken: tuple[Broken, ...] = ()
    raw: tuple[dict[str, Any], ...] = ()
    newest: datetime | None = None


def read_dump(content: bytes) -> Dump:
    """Return what the file holds. Raises `Unreadable`."""
    text = content.decode("utf-8", "replace").removeprefix("\ufeff")
    if _DESCRIPTION.match(text):
        raise Unreadable(f"this is text for people, which leaves out what the rules read: `{RIGHT}` has it all")
    broken: list[Broken] = []
    raw = [one for document in _documents(text, broken) for one in _members(document, broken)]
    dump = make_dump(raw, broken)
    if not (dump.jobs or dump.pods or dump.events or dump.nodes):
        why = "; ".join(f"{one.name}: {one.problem}" for one in broken[:3]) or "it is empty"
        raise Unreadable(f"there is no Job, Pod or Event in it ({why}): `{RIGHT}`")
    return dump


def make_dump(raw: list[dict[str, Any]], broken: list[Broken]) -> Dump:
    """Return the objects as values; adds to `broken` those that cannot be read."""
    known: dict[str, list[Any]] = {kind: [] for kind in KINDS}
    for one in raw:
        _take(one, known, broken)
    return Dump(
        jobs=tuple(known["Job"]),
        pods=tuple(known["Pod"]),
        events=tuple(known["Event"]),
        nodes=tuple(known["Node"]),
        broken=tuple(broken),
        raw=tuple(raw),
        newest=newest_time(raw),
    )


T = TypeVar("T")


def convert(one: dict[str, Any], kind: type[T]) -> T:
    """Return the object; raises `ValidationError`. YAML's own dates and bare numbers are taken for what was meant."""
    return msgspec.convert(one, kind, builtin_types=(datetime, date), strict=False)


def name_of(one: dict[str, Any]) -> str:
    """Return what an object is called, however broken it is."""
    metadata = one.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return f"{str(one.get('kind') or 'object').lower()}/{name or '?'}"


def _take(one: dict[str, Any], known: dict[str, list[Any]], broken: list[Broken]) -> None:
    kind = KINDS.get(str(one.get("kind")))
    if kind is None:
        return
    try:
        known[str(one["kind"])].append(convert(one, kind))
    except (msgspec.ValidationError, ValueError, OverflowError, RecursionError) as error:
        broken.append(Broken(name_of(one), str(error)))


def _documents(text: str, broken: list[Broken]) -> Iterator[Any]:
    if text.lstrip()[:1] in {"{", "["}:
        yield from _json_documents(text, broken)
        return
    for number, document in enumerate(_DOCUMENT.split(text), 1):
        try:
            yield msgspec.yaml.decode(document.encode())
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            first = str(error).splitlines()[0] if str(error) else type(error).__name__
            broken.append(Broken(f"document {number}", f"is not YAML: {first}"))


def _json_documents(text: str, broken: list[Broken]) -> Iterator[Any]:
    """One after the other, as `kubectl get --watch -o json` writes them."""
    decoder, at = json.JSONDecoder(), 0
    while rest := text[at:].lstrip():
        at = len(text) - len(rest)
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            broken.append(Broken(f"after byte {at}", f"is not JSON: {error}"))
            return
        yield _without_surrogates(value) if "\\ud" in text.lower() else value


def _without_surrogates(value: Any) -> Any:
    """Return the value without halves of characters, which JSON can escape and nobody can write."""
    return json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))


def _members(document: Any, broken: list[Broken]) -> list[dict[str, Any]]:
    """The objects of a document; in YAML one may contain itself."""
    try:
        return list(_objects(document, broken))
    except RecursionError:
        broken.append(Broken("a document", "is too deep, or contains itself"))
        return []


def _objects(document: Any, broken: list[Broken], kind: str = "") -> Iterable[dict[str, Any]]:
    """The objects of a document; those of a PodList do not say their kind."""
    if isinstance(document, list):
        for one in document:
            yield from _objects(one, broken, kind)
    elif isinstance(document, dict):
        own = str(document.get("kind") or kind)
        if isinstance(document.get("items"), list) and own.endswith("List"):
            yield from _objects(document["items"], broken, own.removesuffix("List"))
        elif own in {"ADDED", "MODIFIED", "DELETED"} or isinstance(document.get("object"), dict):
            yield from _objects(document["object"], broken)
        else:
            yield {**document, "kind": own}
    elif document is not None:
        broken.append(Broken("a document", f"is not an object but {str(document)[:40]!r}"))
