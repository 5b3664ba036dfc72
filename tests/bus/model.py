"""What the bus should do, in plain Python without a server, a clock or an age: the oracle of the property test.

Where the bus compares times, the model knows only whether a time is over: `is_live`, `is_due`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from eightbells.events.contract.scripts import Report

RANK = {"running": 1, "attempt_ended": 2, "completed": 3, "failed": 3}
Reply = tuple[Any, ...]
Entry = tuple[int, int]


@dataclass
class Lease:
    """What a group has to do with an ending: h held, w waiting, c committed, d dead."""

    state: str
    tries: int
    fence: int
    is_live: bool = True

    @property
    def is_settled(self) -> bool:
        return self.state in "cd"


@dataclass
class Record:
    seq: int = 0
    runs: dict[str, tuple[int, int, str]] = field(default_factory=dict)
    count: int = 0
    is_registered: bool = False
    is_cancelled: bool = False
    ending: Report | None = None
    owed: int = 0
    conflicts: int = 0
    late: tuple[str, str] | None = None
    leases: dict[str, Lease] = field(default_factory=dict)
    seen: dict[str, Entry] = field(default_factory=dict)
    payload: dict[str, str] = field(default_factory=dict)


class Model:
    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self.groups: dict[str, int] = {}
        self.version = "0"
        self.unconsumed: set[str] = set()
        self.dormant: dict[str, int] = {}
        self.todo: dict[str, set[str]] = {}
        self.done: set[str] = set()
        self.open: dict[str, bool] = {}

    def queue(self, group: str) -> set[str]:
        return self.todo.setdefault(group, set())

    def owing(self) -> Iterator[tuple[str, str]]:
        """Each group that is registered, with each dispatch in its queue."""
        return ((group, dispatch) for group in self.groups for dispatch in self.queue(group))

    def summary(self, dispatch: str) -> dict[str, Any] | None:
        """What the record must be."""
        record = self.records.get(dispatch)
        if record is None:
            return None
        return {
            "seq": record.seq,
            "end": record.ending.event_id if record.ending else None,
            "owed": record.owed if record.ending else None,
            "conflicts": record.conflicts,
            "runs": {run: f"{number} {rank} {source}" for run, (number, rank, source) in record.runs.items()},
            "leases": {group: (lease.state, lease.tries, lease.fence) for group, lease in record.leases.items()},
            "payload": record.payload,
        }

    # Reporting.

    def register(self, dispatch: str, spec: str) -> Reply:
        record = self.records.get(dispatch, Record())
        if record.ending:
            return "ended", record.seq, record.ending.verdict
        if record.is_cancelled:
            return "cancelling", record.seq
        first = record.payload.get("spec", "")
        if spec and first and spec != first:
            return "other", record.seq, first
        status = "known" if record.is_registered else "ok"
        if status == "ok":
            record.is_registered = True
            record.seq += 1
            record.payload |= {"labels": "{}", "context": dispatch, "callback": "", "traceparent": "", "rerun_of": ""}
            record.payload["spec"] = spec
        self.records[dispatch] = record
        self.open[dispatch] = True
        return status, record.seq

    def cancel(self, dispatch: str) -> Reply:
        record = self.records.setdefault(dispatch, Record())
        if record.ending:
            return "ended", record.seq, record.ending.verdict
        if record.is_cancelled:
            return "known", record.seq
        record.is_cancelled = True
        record.seq += 1
        self.open[dispatch] = False
        return "ok", record.seq

    def beat(self, dispatch: str) -> Reply:
        record = self.records.get(dispatch, Record())
        if record.ending:
            return "terminal", record.ending.verdict
        return "cancelling" if record.is_cancelled else "ok", record.seq

    def look(self, dispatch: str) -> Reply:
        record = self.records.get(dispatch)
        if record is None or record.ending:
            self.open.pop(dispatch, None)
            return ("ended", record.seq, record.ending.verdict) if record and record.ending else ("gone",)
        if not self.open.get(dispatch, True):
            return ("early",)
        self.open[dispatch] = False
        return "due", record.seq

    def retire(self) -> bool:
        """The groups that nobody consumed for the retention leave."""
        retired = self.unconsumed & set(self.groups)
        for group in retired:
            self.dormant[group] = len(self.queue(group))
            self.queue(group).clear()
            del self.groups[group]
        self.unconsumed.clear()
        return bool(retired)

    def publish(self, report: Report) -> Reply:
        record = self.records.get(report.dispatch)
        if record and record.ending:
            return self._publish_late(record, report)
        if record is None and report.finished_ms == 0:
            return ("expired",)
        record = record or Record()
        if report.seq not in (None, record.seq):
            return "moved", record.seq
        if report.state == "failed" and record.is_cancelled and report.code != "cancelled":
            return "cancelling", record.seq
        number, rank, by = record.runs.get(report.run, (0, 0, ""))
        if RANK[report.state] < 3 and rank >= RANK[report.state]:
            is_same = rank == RANK[report.state] and by == report.source
            return "dup" if is_same else "stale", number, record.seq
        return self._accept(record, report, number)

    def _accept(self, record: Record, report: Report, number: int) -> Reply:
        if report.run:
            if not number:
                record.count = number = record.count + 1
            record.runs[report.run] = (number, RANK[report.state], report.source)
        is_new = report.dispatch not in self.records
        self.records[report.dispatch] = record
        record.seq += 1
        if RANK[report.state] == 3:
            self._end(record, report)
        elif is_new:
            self.open.setdefault(report.dispatch, False)
        if report.state == "attempt_ended":
            if number >= int(record.payload.get("n", 0)):
                record.payload |= {"n": str(number), "att": str(report.document)}
            record.payload[f"a:{number}"] = str(report.verdict)
        return "ok", number, record.seq, record.is_cancelled

    def _end(self, record: Record, report: Report) -> None:
        record.ending = report
        record.payload["end"] = str(report.document)
        record.owed = len(self.groups)
        for group in self.groups:
            self.queue(group).add(report.dispatch)
        self.done.add(report.dispatch)
        self.open.pop(report.dispatch, None)

    def _publish_late(self, record: Record, report: Report) -> Reply:
        ending = record.ending
        assert ending
        number, rank, _ = record.runs.get(report.run, (0, 0, ""))
        if (report.source, report.event_id) == (ending.source, ending.event_id):
            return "dup", number, record.seq
        is_news = report.state != "running" and (RANK[report.state] == 3 or RANK[report.state] > rank)
        if is_news and record.late != (report.source, report.event_id):
            record.conflicts += RANK[report.state] == 3
            if record.late is None:
                record.late = report.source, report.event_id
                record.payload["late"] = str(report.document)
        return "terminal", ending.verdict

    # Leasing.

    def begin(self, group: str, dispatch: str) -> Reply:
        record = self.records.get(dispatch)
        if group not in self.groups:
            return ("done",)
        if record is None or not record.ending:
            self.queue(group).discard(dispatch)
            return ("gone",)
        lease = record.leases.get(group)
        if lease and lease.is_settled:
            self.queue(group).discard(dispatch)
            return ("done",)
        if lease and lease.is_live:
            return ("busy" if lease.state == "h" else "later",)
        if not lease and dispatch not in self.queue(group):
            return ("done",)
        self.queue(group).add(dispatch)
        lease = record.leases[group] = Lease("h", lease.tries + 1 if lease else 1, 0)
        return "ok", lease.tries, record.ending.verdict, record.payload.get("end", "")

    def begin_progress(self, group: str, dispatch: str, entry: Entry) -> Reply:
        record = self.records.get(dispatch)
        if group not in self.groups:
            return ("done",)
        if record is None:
            return ("gone",)
        is_older = entry[0] < self.groups[group]
        if group in record.leases or is_older or entry <= record.seen.get(group, (0, 0)):
            return ("done",)
        record.seen[group] = entry
        return "ok", 0, "", ""

    def held(self, group: str, dispatch: str, fence: int) -> Lease | None:
        record = self.records.get(dispatch)
        lease = record.leases.get(group) if record else None
        return lease if lease and lease.fence == fence else None

    def renew(self, group: str, dispatch: str, fence: int) -> str:
        lease = self.held(group, dispatch, fence)
        if not lease or lease.state != "h" or group not in self.groups:
            return "lost"
        lease.is_live = True
        self.queue(group).add(dispatch)
        return "ok"

    def release(self, group: str, dispatch: str, fence: int, *, is_put_off: bool, refund: bool) -> str:
        lease = self.held(group, dispatch, fence)
        if not lease or lease.state != "h" or group not in self.groups:
            return "lost"
        lease.state, lease.is_live = "w", is_put_off
        lease.tries -= refund
        self.queue(group).add(dispatch)
        return "ok"

    def settle(self, group: str, dispatch: str, fence: int, state: str) -> str:
        """Commit (c) or bury (d)."""
        lease = self.held(group, dispatch, fence)
        if not lease or lease.state not in {"h", state}:
            return "lost"
        if lease.state == state:
            return "dup"
        lease.state = state
        self.queue(group).discard(dispatch)
        self.records[dispatch].owed -= 1
        return "ok"
