"""The cases: objects as a cluster shows them, and what is to be said of them. `cases/` are written by hand, each as
what it has beside an ordinary Job and pod; `recorded/` are a real cluster's own objects, whole.

`T+4.9` in a file is 4.9 seconds after 10:00:00 on a day.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from eightbells.reconciler.events import Event
from eightbells.reconciler.graces import Graces
from eightbells.reconciler.objects import Job, Node
from eightbells.reconciler.snapshot import Bus, Freshness, Look, Sighting, Snapshot
from msgspec import Struct

HERE = Path(__file__).parent
START = datetime(2026, 11, 25, 10, tzinfo=UTC)
ABSENT = "(absent)"

_TIME = re.compile(r"T([+-]\d+(?:\.\d+)?)")

JOB: dict[str, Any] = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "etl", "namespace": "batch", "uid": "job-uid", "creationTimestamp": "T+0"},
    "spec": {
        "backoffLimit": 0,
        "completions": 1,
        "parallelism": 1,
        "template": {
            "spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "registry.example/etl:7"}]}
        },
    },
    "status": {"startTime": "T+0"},
}

POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {
        "name": "etl-x7k2p",
        "namespace": "batch",
        "uid": "pod-uid",
        "creationTimestamp": "T+0",
        "ownerReferences": [{"kind": "Job", "name": "etl", "uid": "job-uid", "controller": True}],
    },
    "spec": {
        "nodeName": "node-3",
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 30,
        "containers": [{"name": "main", "image": "registry.example/etl:7"}],
    },
    "status": {"conditions": [{"type": "PodScheduled", "status": "True", "lastTransitionTime": "T+1"}]},
}


class Case(Struct, frozen=True, kw_only=True):
    """A file's case: its name, the snapshot and the moment, and what is expected."""

    name: str
    snapshot: Snapshot
    now: datetime
    graces: Graces
    expect: dict[str, Any]
    objects: list[dict[str, Any]]


@cache
def all_cases() -> tuple[Case, ...]:
    written = [one for path in sorted((HERE / "cases").glob("*.yaml")) for one in read_written(path)]
    return (*written, *(read_recorded(path) for path in sorted((HERE / "recorded").glob("*.yaml"))))


def read_written(path: Path) -> list[Case]:
    """The cases of one file written by hand."""
    return [_written(path, one) for one in msgspec.yaml.decode(path.read_bytes())]


def read_recorded(path: Path) -> Case:
    """The one case of a recorded file: what is expected comes first, then the objects."""
    said, *objects = map(msgspec.yaml.decode, path.read_bytes().split(b"\n---\n"))
    kinds: dict[str, list[dict[str, Any]]] = {"Job": [], "Pod": [], "Event": [], "Node": []}
    for one in objects:
        kinds[one["kind"]].append(one)
    seen = said.get("seen", {})
    pods = [{"pod": one, **seen.get(one["metadata"]["name"], {})} for one in kinds["Pod"]]
    snapshot = {"job": next(iter(kinds["Job"]), None), "pods": pods, "events": kinds["Event"], "nodes": kinds["Node"]}
    return _case(f"recorded/{path.stem}", said, snapshot | said.get("snapshot", {}), objects)


def _written(path: Path, said: dict[str, Any]) -> Case:
    job = None if said.get("job", {}) is None else merge(JOB, said.get("job", {}))
    extra = said.get("seen", [])
    pods = []
    for number, one in enumerate(said.get("pods", [])):
        pod = merge(POD, one)
        sight = extra[number] if number < len(extra) else {}
        before = {"before": merge(POD, sight["before"])} if "before" in sight else {}
        pods.append({"pod": pod, **sight, **before})
    events = [_event(one, number) for number, one in enumerate(said.get("events") or [])]
    asked = None if said.get("events", []) is None else events
    nodes = said.get("nodes", [])
    snapshot = {"job": job, "pods": pods, "events": asked, "nodes": nodes, **said.get("snapshot", {})}
    objects = [*([job] if job else []), *(one["pod"] for one in pods), *events, *(nodes or [])]
    return _case(f"{path.stem}: {said['case']}", said, snapshot, [timed(one) for one in objects])


def _case(name: str, said: dict[str, Any], snapshot: dict[str, Any], objects: list[dict[str, Any]]) -> Case:
    known = msgspec.convert(timed(snapshot), _Known)
    graces = msgspec.convert(said.get("graces", {}), Graces)
    now = msgspec.convert(timed(said["now"]), datetime)
    parts = {field: getattr(known, field) for field in known.__struct_fields__}
    return Case(name=name, snapshot=Snapshot(**parts), now=now, graces=graces, expect=said["expect"], objects=objects)


class _Known(Struct, kw_only=True):
    """A snapshot as a file has it."""

    job: Job | None = None
    job_seen_at: datetime | None = None
    job_gone_at: datetime | None = None
    pods: tuple[Sighting, ...] = ()
    events: tuple[Event, ...] | None = ()
    nodes: tuple[Node, ...] | None = ()
    bus: Bus | None = None
    look: Look | None = None
    freshness: Freshness = Freshness()
    is_dump: bool = False


def merge(base: Any, more: Any) -> Any:
    """`more` on top of `base`: what both have as mappings is merged, everything else is replaced."""
    if not (isinstance(base, dict) and isinstance(more, dict)):
        return more
    whole = {**base, **{name: merge(base.get(name), value) for name, value in more.items()}}
    return {name: value for name, value in whole.items() if value != ABSENT}


def moment(text: str) -> str:
    """A time of a file, `T+4.9` or in full."""
    found = _TIME.fullmatch(text)
    return text if found is None else (START + timedelta(seconds=float(found[1]))).isoformat().replace("+00:00", "Z")


def timed(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: timed(one) for name, one in value.items()}
    if isinstance(value, list):
        return [timed(one) for one in value]
    return moment(value) if isinstance(value, str) else value


def _event(said: dict[str, Any], number: int) -> dict[str, Any]:
    about = said.get("about", "pod/etl-x7k2p")
    kind, _, name = about.partition("/")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{name}.{number:x}", "namespace": "batch"},
        "involvedObject": {"kind": kind.capitalize(), "namespace": "batch", "name": name},
        "reason": said["reason"],
        "message": said.get("message", ""),
        "firstTimestamp": said.get("since", said.get("at")),
        "lastTimestamp": said.get("at"),
    }
