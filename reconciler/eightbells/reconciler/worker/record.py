"""What the bus knows of a dispatch: the record and its payload as one value, and what a decision needs of it.

The bus has a clock of its own. Its times are told to the rules by how far they are from its own now.
"""

import re
from datetime import datetime

from eightbells.events import document
from eightbells.events.schema import Attempt, Data, Verdict
from eightbells.reconciler.snapshot import Bus
from eightbells.reconciler.times import later
from msgspec import Struct

RUN, ATTEMPT = b"r:", b"a:"
"""What the fields of runs, and of attempts that ended, begin with."""


class Run(Struct, frozen=True):
    """One start of the command, by its number on the bus. `is_over`: somebody has said how it ended."""

    name: str
    number: int
    is_over: bool


_RUN = re.compile(r"[A-Za-z0-9-]{1,64}\.\d{1,9}")


def is_run(text: str) -> bool:
    """Whether a text names a run: it becomes part of an event's id, and a termination message may hold any text."""
    return _RUN.fullmatch(text) is not None


class Record(Struct, frozen=True, kw_only=True):
    """A dispatch at the server's time `now` (ms); `seq` 0 where there is no record. Times are 0 where there is none."""

    dispatch: str
    now: int = 0
    seq: int = 0
    is_ended: bool = False
    namespace: str = ""
    job: str = ""
    job_uid: str = ""
    cancelled_at: int = 0
    create_before: int = 0
    deadline: int = 0
    beat_ms: int = 0
    runs: tuple[Run, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    newest: Data | None = None
    labels: str = ""
    rerun_of: str = ""
    traceparent: str = ""

    @property
    def newest_is_last(self) -> bool:
        """Whether the newest attempt that ended is the last that began."""
        return bool(self.newest and self.runs and self.newest.run == self.runs[-1].name)

    def number_of(self, run: str) -> int | None:
        """Return the number that the bus gave a run."""
        return next((one.number for one in self.runs if one.name == run), None)

    def is_over(self, run: str) -> bool:
        """Whether somebody has said how a run ended."""
        return any(one.is_over for one in self.runs if one.name == run)

    def as_seen_at(self, now: datetime) -> Bus:
        """Return what the rules read of it, its times on the clock that `now` is of."""

        def moment(milliseconds: int) -> datetime | None:
            return later(now, (milliseconds - self.now) / 1000) if milliseconds else None

        return Bus(
            dispatch=self.dispatch,
            seq=self.seq,
            is_ended=self.is_ended,
            job_uid=self.job_uid,
            cancelled_at=moment(self.cancelled_at),
            create_before=moment(self.create_before),
            deadline=moment(self.deadline),
            beat_until=later(now, self.beat_ms / 1000) if self.beat_ms > 0 else None,
            newest=self.newest,
        )


def parse_record(
    dispatch: str, now: int, record: dict[bytes, bytes], payload: dict[bytes, bytes], beat_ms: int
) -> Record:
    """Return what the two hashes say."""
    number = {name: int(record.get(name, 0) or 0) for name in (b"seq", b"cancel", b"create", b"deadline")}
    runs = sorted((_run(name, value) for name, value in record.items() if name.startswith(RUN)), key=lambda r: r.number)
    return Record(
        dispatch=dispatch,
        now=now,
        seq=number[b"seq"],
        is_ended=b"end" in record,
        namespace=_text(record, b"ns"),
        job=_text(record, b"job"),
        job_uid=_text(record, b"uid"),
        cancelled_at=number[b"cancel"],
        create_before=number[b"create"],
        deadline=number[b"deadline"],
        beat_ms=max(0, beat_ms),
        runs=tuple(runs),
        attempts=tuple(_attempt(run, payload) for run in runs),
        newest=_data(payload.get(b"att")),
        labels=_text(payload, b"labels"),
        rerun_of=_text(payload, b"rerun_of"),
        traceparent=_text(payload, b"traceparent"),
    )


def _text(fields: dict[bytes, bytes], name: bytes) -> str:
    return str(fields.get(name, b""), "utf-8", "replace")


def _run(name: bytes, value: bytes) -> Run:
    number, rank, _ = str(value, "utf-8", "replace").split(" ", 2)
    return Run(str(name[len(RUN) :], "utf-8", "replace"), int(number), int(rank) > 1)


def _attempt(run: Run, payload: dict[bytes, bytes]) -> Attempt:
    said = _verdict(payload.get(ATTEMPT + str(run.number).encode()))
    if said is None:
        return Attempt(run.name, run.number)
    return Attempt(run.name, run.number, code=said.code, started_at=said.started_at, finished_at=said.finished_at)


def _verdict(text: bytes | None) -> Verdict | None:
    try:
        return document.decode_verdict(text) if text else None
    except document.EventError:
        return None


def _data(text: bytes | None) -> Data | None:
    try:
        return document.decode(text).data if text else None
    except document.EventError:
        return None
