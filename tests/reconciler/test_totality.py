"""Whatever the API server may send, the classifier has an answer: a verdict, or when to look again."""

import copy
import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from eightbells.cli.exits import Exit
from eightbells.reconciler.attempts import list_attempts
from eightbells.reconciler.classify import classify
from eightbells.reconciler.events import Event
from eightbells.reconciler.explain.account import explain
from eightbells.reconciler.explain.grouping import find_subjects
from eightbells.reconciler.explain.reading import Unreadable, convert, read_dump
from eightbells.reconciler.explain.text import page
from eightbells.reconciler.graces import Graces
from eightbells.reconciler.objects import Job, Node, Pod
from eightbells.reconciler.snapshot import Bus, Freshness, Look, Sighting, Snapshot
from eightbells.reconciler.verdict import NotYet, Verdict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.reconciler.anything import MOMENTS, any_of, changed
from tests.reconciler.cases import JOB, Case, all_cases, merge, timed
from tests.reconciler.golden import run

OBJECTS = [case.objects for case in all_cases() if case.objects]

TIMES = st.sampled_from(
    [
        "0001-01-01T00:00:00Z",
        "1970-01-01T00:00:00Z",
        "2026-11-25T10:00:07Z",
        "2026-11-25T10:00:07.5+14:00",
        "9999-12-31T23:59:59Z",
    ]
)
NUMBERS = st.sampled_from([0, 1, -1, 137, 143, 255, 2**31, 2**63 - 1, -(2**63), 10**400, 1e308])
TEXTS = st.sampled_from(
    [
        "",
        "True",
        "main",
        "{",
        '{"code":"exit_nonzero"}',
        "OOMKilled",
        "DisruptionTarget",
        "ContainerStatusUnknown",
        "PodFailurePolicy",
        "DeadlineExceeded",
        "OnFailure",
        "Always",
        "Container main for pod b/p failed with exit code 999999999 matching ",
        "Pod b/p has condition X matching ",
        "x" * 5000,
    ]
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS, TIMES)
VALUES = st.one_of(SCALARS, st.lists(SCALARS, max_size=2), st.dictionaries(TEXTS, SCALARS, max_size=2))
CHANGES = st.lists(st.tuples(st.integers(0, 10_000), st.sampled_from(["set", "drop", "double"]), VALUES), max_size=6)
MAYBE_TIME = st.none() | MOMENTS


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container and key of an object."""
    found = []
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in list(keys):
        found.append((value, key))
        found += places(value[key])
    return found


def change(objects: list[dict[str, Any]], changes: list[tuple[int, str, Any]]) -> list[dict[str, Any]]:
    """Real objects with pieces replaced, dropped or doubled."""
    changed = copy.deepcopy(objects)
    for number, how, value in changes:
        known = places(changed)
        holder, key = known[number % len(known)]
        if how == "set":
            holder[key] = value
        elif how == "double" and isinstance(holder, list):
            holder.append(copy.deepcopy(holder[key]))
        elif how == "drop":
            del holder[key]
        if not changed or not all(isinstance(one, dict) for one in changed):
            return []
    return changed


def decoded(objects: list[dict[str, Any]], kind: str, shape: Any) -> list[Any]:
    found = []
    for one in objects:
        try:
            if one.get("kind") == kind:
                found.append(convert(one, shape))
        except (msgspec.ValidationError, ValueError):
            continue
    return found


LOOKS = st.builds(
    Look, at=MOMENTS, job=st.sampled_from(["present", "terminating", "gone"]), namespace=st.just("terminating")
)
BUSES = st.builds(
    Bus,
    dispatch=st.just("etl-42"),
    cancelled_at=MAYBE_TIME,
    create_before=MAYBE_TIME,
    deadline=MAYBE_TIME,
    beat_until=MAYBE_TIME,
)


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """All that may be known of real objects with anything in any place."""
    objects = change(draw(st.sampled_from(OBJECTS)), draw(CHANGES))
    jobs, pods = decoded(objects, "Job", Job), decoded(objects, "Pod", Pod)
    times = {"gone_at": MAYBE_TIME, "deleted_at": MAYBE_TIME, "waiting_since": MAYBE_TIME}
    sighted = [st.builds(Sighting, pod=st.just(pod), before=st.sampled_from([None, *pods]), **times) for pod in pods]
    return Snapshot(
        job=jobs[0] if jobs else None,
        job_seen_at=draw(MAYBE_TIME),
        job_gone_at=draw(MAYBE_TIME),
        pods=tuple(map(draw, sighted)),
        events=tuple(decoded(objects, "Event", Event)) if draw(st.booleans()) else None,
        nodes=tuple(decoded(objects, "Node", Node)) if draw(st.booleans()) else None,
        bus=draw(st.none() | BUSES),
        look=draw(st.none() | LOOKS),
        freshness=draw(st.builds(Freshness, jobs_at=MAYBE_TIME, pods_at=MAYBE_TIME)),
        is_dump=draw(st.booleans()),
    )


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(snapshots(), MOMENTS)
def test_no_object_makes_the_classifier_raise(snapshot: Snapshot, now: datetime) -> None:
    """On real objects with anything in any place, at any moment, it gives a verdict or a NotYet."""
    said = classify(snapshot, now)

    assert isinstance(said, Verdict | NotYet)
    assert msgspec.json.encode(said)
    assert msgspec.json.encode(list_attempts(snapshot, now))


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(all_cases()).flatmap(lambda case: st.tuples(changed(case.snapshot), st.just(case.now) | MOMENTS))
)
def test_no_snapshot_makes_the_classifier_raise(known: tuple[Snapshot, datetime]) -> None:
    """Whatever any field of any Struct holds that its type allows, at any moment, there is an answer."""
    snapshot, now = known
    said = classify(snapshot, now)

    assert isinstance(said, Verdict | NotYet)
    assert msgspec.json.encode(said)
    assert msgspec.json.encode(list_attempts(snapshot, now))


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(any_of(Graces), st.sampled_from(all_cases()), MOMENTS)
def test_no_grace_makes_the_classifier_raise(graces: Graces, case: Case, now: datetime) -> None:
    """However long an installation waits, there is an answer."""
    assert isinstance(classify(case.snapshot, now, graces), Verdict | NotYet)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(OBJECTS), CHANGES)
def test_no_dump_makes_explain_raise(objects: list[dict[str, Any]], changes: list[tuple[int, str, Any]]) -> None:
    """Of a dump with anything in any place it says something, or that nothing in it can be read."""
    content = msgspec.json.encode({"kind": "List", "items": change(objects, changes)})
    try:
        dump = read_dump(content)
    except Unreadable:
        return
    moment = dump.newest or datetime.min.replace(tzinfo=UTC)
    tolds = [explain(subject, moment) for subject in find_subjects(dump)]
    assert page(tolds, dump.broken, moment, is_list=False)
    assert msgspec.json.encode([told.account for told in tolds])


@pytest.mark.parametrize("output", ["text", "json", "yaml"])
@pytest.mark.parametrize(
    "content",
    [
        b"&a [*a]",
        b"&j\nkind: Pod\nmetadata: {name: a}\nobject: *j",
        b"kind: Job\nmetadata: &m\n  name: etl\n  labels: *m",
        b'{"object":' * 900 + b"{}" + b"}" * 900,
        b"[" * 5000 + b"]" * 5000,
        b"- " * 3000 + b"a",
        b'{"kind":"Job","spec":{"backoffLimit":' + b"1" * 5000 + b"}}",
        b'{"kind":"List","items":[null,1,"x",[],{}]}',
        b"kind: Job\n1: 2\n2026-01-01: 3",
        b"kind: Job\nmetadata: {name: !!binary aGk=, creationTimestamp: .nan}",
        b"\x00\x01\xff\xfe",
        json.dumps(merge(timed(JOB), {"metadata": {"name": "half\ud800"}})).encode(),
    ],
    ids=lambda content: repr(content)[2:30],
)
def test_no_file_makes_explain_raise(content: bytes, output: str) -> None:
    """What contains itself, is too deep, too big or half a character is said, or left out by name."""
    said = run(content, "-o", output)

    assert said.exit_code == (Exit.OK if b"half" in content else Exit.USAGE), said.output
    assert said.output


def test_a_number_that_no_api_has_is_left_out_by_name() -> None:
    """An object with a number of hundreds of digits is none, and keeps nobody from the others."""
    huge = merge(timed(JOB), {"metadata": {"name": "huge"}, "spec": {"activeDeadlineSeconds": 10**400}})
    said = run(json.dumps([huge, timed(JOB)]))

    assert said.stdout.startswith("job/etl ")
    assert "left out: job/huge: " in said.stdout
