"""Rule 3: what kept a pod from starting that the deadline then took away, by its Events alone."""

import re

from eightbells.events.codes import Code
from eightbells.reconciler.case import Case
from eightbells.reconciler.events import Event, newest
from eightbells.reconciler.messages import (
    Meaning,
    read_create_error,
    read_pull_error,
    read_unschedulable,
    read_volume_error,
)
from eightbells.reconciler.rules.waiting import SANDBOX
from eightbells.reconciler.verdict import Finding, fact, find

_PULL = re.compile(r"Failed to pull image")
_CREATE = re.compile(r"Error: (?!ErrImagePull|ImagePullBackOff|InvalidImageName|ErrImageNeverPull)")
_NAMES = {"Error: InvalidImageName": Code.IMAGE_INVALID, "Error: ErrImageNeverPull": Code.IMAGE_NEVER_PULL}


def by_pending_events(case: Case, name: str) -> Finding | None:
    """Return what a pod waited for that is gone, or no longer shows it; None where it started, or nothing says."""
    events = tuple(event for event in case.events if event.is_about("Pod", name))
    if newest(events, "Started", "Killing"):
        return None
    event = newest(event for event in events if _meaning(event))
    meaning = _meaning(event) if event else None
    if event is None or meaning is None:
        return None
    says = f"The pod had not started, and its Event says: {event.said}"
    evidence = fact(f"pod {name}", f"event {event.reason}", event.said, event.at)
    return find(
        meaning.code,
        "3",
        says,
        fault=meaning.fault,
        cause=meaning.cause,
        message=event.said,
        evidence=(evidence,),
        pod=name,
    )


def _meaning(event: Event) -> Meaning | None:
    if event.reason == "FailedScheduling":
        return Meaning(Code.UNSCHEDULABLE, read_unschedulable(event.said))
    if event.reason in SANDBOX:
        return read_volume_error(event.said)
    if event.reason != "Failed":
        return None
    if event.said in _NAMES:
        return Meaning(_NAMES[event.said], event.said.removeprefix("Error: "))
    if _PULL.match(event.said):
        return read_pull_error(event.said)
    return read_create_error("CreateContainerConfigError", event.said) if _CREATE.match(event.said) else None
