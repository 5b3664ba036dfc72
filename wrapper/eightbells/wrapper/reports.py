"""The events of one run, composed from what is known of it: the report that the bus is handed, document and verdict.

The times are the wrapper's own clock in UTC; a run's name is its pod and the number of its restart, where those are
known, and otherwise at random.
"""

from __future__ import annotations

import posix
import time

from eightbells.events.contract.codes import CODES
from eightbells.events.contract.scripts import Report, event_id
from eightbells.wrapper.document import SCHEMA, encode, encode_record, encode_verdict
from eightbells.wrapper.excerpts import excerpt
from eightbells.wrapper.outcome import CANCEL, ENDED, TIMEOUT
from eightbells.wrapper.termination import LIMIT, PROVISIONAL_LIMIT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from eightbells.wrapper.excerpts import Excerpt
    from eightbells.wrapper.outcome import Ending, Outcome
    from eightbells.wrapper.target import Target
    from eightbells.wrapper.windows import Window

RANDOM_BYTES = 8
UID_LENGTH = 64
MESSAGE_LENGTH = 1000
WARNINGS = 20


class Run:
    """One start of the command, as its events name it."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self.name = name_run(target)
        place = target.place
        self.source = f"/eightbells/wrapper/{place['namespace'] or '-'}/{place['pod'] or place['node']}"

    def running(self, started_at: float) -> Report:
        """Return the event that says that the command runs."""
        return self._report(self._data("running", started_at), {"stdout": None, "stderr": None}, time.time())

    def end(self, ending: Ending, attempt: int | None, *, is_cancelled: bool) -> Report:
        """Return the event that says how the command ended, or how its dispatch did where this run decides.

        With `is_cancelled` the bus has said that the dispatch is being cancelled: of what the command then did by
        itself a success stands.
        """
        outcome = ending.outcome
        data = self._ended(outcome.cancelled() if is_cancelled and not outcome.is_success else outcome, ending, attempt)
        if data["state"] != "attempt_ended":
            names = ("run", "code", "charged", "started_at", "finished_at")
            data["attempts"] = ({**{name: data[name] for name in names}, "number": attempt},)
        return self._report(data, self._outputs(ending.windows), ending.finished_at)

    def provisional(self, started_at: float, attempt: int | None, windows: dict[str, Window], use: str | None) -> bytes:
        """Return the record of a command that runs, all that there is if we are killed with it; `use` is of memory."""
        data = self._data("running", started_at) | {"attempt": attempt, "explanation": use}
        return encode_record(data, self._outputs(windows), PROVISIONAL_LIMIT)

    def final(self, ending: Ending, attempt: int | None) -> bytes:
        """Return the record of how the command ended, for who does not hear it from the bus."""
        data = self._ended(ending.outcome, ending, attempt)
        return encode_record(data, self._outputs(ending.windows), LIMIT)

    def _ended(self, outcome: Outcome, ending: Ending, attempt: int | None) -> dict[str, Any]:
        ends = ends_dispatch(outcome, self._target)
        state = ("completed" if outcome.is_success else "failed") if ends else "attempt_ended"
        return self._data(state, ending.started_at) | self._verdict(outcome, ending, attempt)

    def _data(self, state: str, started_at: float | None) -> dict[str, Any]:
        """All the fields that an event's data has; null where this run has nothing to say."""
        unknown = dict.fromkeys(FIELDS)
        return unknown | {
            "dispatch_id": self._target.dispatch,
            "state": state,
            "reporter": "wrapper",
            "run": self.name,
            "via": "redis",
            "started_at": None if started_at is None else timestamp(started_at),
            "warnings": (),
            "place": self._target.place,
            "attempts": (),
            "evidence": (),
        }

    def _verdict(self, outcome: Outcome, ending: Ending, attempt: int | None) -> dict[str, Any]:
        fault, retryable, charged = CODES[outcome.code]
        return {
            "attempt": attempt,
            "code": outcome.code,
            "fault": fault,
            "retryable": retryable,
            "charged": charged,
            "exit_code": outcome.exit_code,
            "signal": outcome.signal,
            "message": ending.left or outcome.message[:MESSAGE_LENGTH],
            "explanation": outcome.message[:MESSAGE_LENGTH] if ending.left else None,
            "remedy": outcome.remedy or advise(outcome, ending.windows, self._target.security),
            "terminated_by": outcome.terminated_by,
            "finished_at": timestamp(ending.finished_at),
            "result": ending.result,
            "duration_seconds": None if ending.seconds is None else round(ending.seconds, 6),
            "warnings": [warning[:MESSAGE_LENGTH] for warning in ending.warnings[:WARNINGS]],
        }

    def _outputs(self, windows: dict[str, Window]) -> dict[str, Excerpt | None]:
        secrets = self._target.secrets
        return {
            name: excerpt(*windows[name].read(), secrets) if name in windows else None for name in ("stdout", "stderr")
        }

    def _report(self, data: dict[str, Any], outputs: dict[str, Excerpt | None], moment: float) -> Report:
        dispatch, state = self._target.dispatch, data["state"]
        envelope = {
            "specversion": "1.0",
            "id": event_id(dispatch, self.name, state),
            "source": self.source,
            "type": f"io.eightbells.dispatch.{state}.v1",
            "subject": dispatch,
            "time": timestamp(moment),
            "datacontenttype": "application/json",
            "dataschema": SCHEMA,
            "traceparent": self._target.traceparent,
            "tracestate": self._target.tracestate,
        }
        return Report(
            dispatch,
            state,
            run=self.name,
            source=self.source,
            document=encode(envelope, data, outputs),
            code=data["code"] or "",
            job_uid=data["place"]["job_uid"] or "",
            finished_ms=None if state == "running" else int(moment * 1000),
            verdict=b"" if state == "running" else encode_verdict(data),
        )


FIELDS = (
    "dispatch_id",
    "state",
    "reporter",
    "run",
    "attempt",
    "via",
    "code",
    "fault",
    "retryable",
    "charged",
    "cause",
    "exit_code",
    "signal",
    "message",
    "explanation",
    "remedy",
    "terminated_by",
    "started_at",
    "finished_at",
    "duration_seconds",
    "stdout",
    "stderr",
    "result",
    "warnings",
    "may_still_start",
    "may_still_run",
    "place",
    "attempts",
    "labels",
    "rerun_of",
    "evidence",
)
"""The fields of an event's data, in their order."""


NOT_PERMITTED = b"Operation not permitted"
"""What EPERM is called wherever the C library's own words are used, in English."""


def advise(outcome: Outcome, windows: dict[str, Window], security: str) -> str | None:
    """Return the remedy for a command that its container's security profile may have kept from something."""
    if outcome.is_success or not security or not any(NOT_PERMITTED in one.read()[1] for one in windows.values()):
        return None
    return (
        f'the profile "{security}" may not let the command do all that its image expects: see "Security profiles" in '
        "docs/dispatch.md"
    )


def ends_dispatch(outcome: Outcome, target: Target) -> bool:
    """Whether this run alone decides how its dispatch ended, so that the wrapper says so.

    In a pod the Job decides when there may be another run, when there are several completions, and when somebody
    outside told the command to stop: then the reconciler makes the ending of this attempt.
    """
    if not target.place["pod_uid"]:
        return True
    if target.is_indexed:
        return False
    if outcome.code == "cancelled":
        return True
    told_outside = any(told not in (TIMEOUT, CANCEL, ENDED, "SIGKILL") for told in outcome.told)
    return not target.retries and not told_outside


def name_run(target: Target) -> str:
    """Return the run: `<pod UID>.<restart count>`; what of it nobody told us is random."""
    random = posix.urandom(RANDOM_BYTES).hex()
    pod = target.place["pod_uid"]
    count = target.restart_count
    return f"{pod[:UID_LENGTH]}.{random if count is None else count}" if pod else random


def timestamp(moment: float) -> str:
    """Return RFC 3339 in UTC with microseconds."""
    microseconds = round(moment * 1_000_000)
    year, month, day, hour, minute, second, *_ = time.gmtime(microseconds // 1_000_000)
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{microseconds % 1_000_000:06}Z"
