"""Whatever a cluster shows, and whatever a command leaves behind, becomes an event that every reader can read."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
from eightbells.events import document
from eightbells.events.contract.limits import EVENT_BYTES
from eightbells.events.contract.scripts import Report
from eightbells.events.schema import Data
from eightbells.reconciler.attempts import list_attempts
from eightbells.reconciler.case import Case
from eightbells.reconciler.classify import classify
from eightbells.reconciler.graces import Graces
from eightbells.reconciler.snapshot import Snapshot
from eightbells.reconciler.verdict import Verdict
from eightbells.reconciler.worker.agenda import Item
from eightbells.reconciler.worker.proposal import propose
from eightbells.reconciler.worker.record import Record
from eightbells.reconciler.worker.subject import Subject
from eightbells.reconciler.worker.testimony import Dossier
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.reconciler.anything import any_of
from tests.reconciler.cases import all_cases

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
LEFT = {field.name for field in msgspec.structs.fields(Data)}
SCALARS = st.none() | st.integers(-(2**40), 2**40) | st.text(max_size=40) | st.sampled_from(["x" * 3000, "\udcff", "1"])


def reports_of(snapshot: Snapshot, now: datetime, record: Record) -> list[Report]:
    bus = record.as_seen_at(now)
    snapshot = replace(snapshot, bus=bus)
    said = classify(snapshot, now, Graces())
    attempts = list_attempts(snapshot, now)
    dossier = Dossier(case=Case(snapshot, now, Graces()), record=record, cluster="c", attempts=attempts)
    subject = Subject(Item("j", 0.0, is_deep=True), record.dispatch, snapshot)
    found = [one.report for one in propose(subject, said, dossier)]
    if isinstance(said, Verdict):
        # As after the attempts were told: then the ending itself.
        last = propose(subject, said, Dossier(case=dossier.case, record=record, cluster="c", attempts=()))
        found += [one.report for one in last]
    return found


def check(reports: list[Report]) -> None:
    for one in reports:
        encoded = one.document if isinstance(one.document, bytes) else one.document.encode()
        event = document.decode(encoded)
        assert len(encoded) <= EVENT_BYTES
        assert len(one.verdict) <= 300, one.verdict
        assert event.data.state == one.state
        assert event.id == one.event_id
        assert event.data.known_code
        verdict = document.decode_verdict(one.verdict if isinstance(one.verdict, bytes) else one.verdict.encode())
        assert verdict.state == one.state
        assert "\n" not in one.run


def test_every_case_of_ours_becomes_an_event() -> None:
    """Each of the recorded and written cases that ends."""
    told = 0
    for case in all_cases():
        reports = reports_of(case.snapshot, case.now, Record(dispatch="etl-42", seq=1))
        check(reports)
        told += len(reports)
    assert told > 300


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(any_of(Snapshot))
def test_any_objects_become_an_event(snapshot: Snapshot) -> None:
    """Objects that nobody has ever seen, too."""
    check(reports_of(snapshot, NOW, Record(dispatch="d", seq=1)))


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.dictionaries(st.sampled_from(sorted(LEFT)), SCALARS, max_size=8))
def test_any_termination_message_becomes_an_event(left: dict[str, Any]) -> None:
    """Its text is the command's, and may be anything."""
    said = {"dispatch_id": "etl-42", "state": "failed", "reporter": "wrapper", "run": "pod-uid.0", "code": "signalled"}
    message = json.dumps(said | left)
    cases = [one for one in all_cases() if one.name.startswith(("exit_nonzero", "killed_137", "drained", "node_lost"))]
    for case in cases[::7]:
        raw = msgspec.json.decode(msgspec.json.encode(case.snapshot))
        for sighting in raw["pods"]:
            sighting["pod"]["metadata"]["annotations"] = {"eightbells.io/dispatch-id": "etl-42"}
            for status in (sighting["pod"].get("status") or {}).get("containerStatuses") or []:
                over = ((status.get("state") or {}).get("terminated")) or {}
                over["message"] = message
        check(reports_of(msgspec.convert(raw, Snapshot), case.now, Record(dispatch="etl-42", seq=1)))
