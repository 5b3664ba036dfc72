"""What the bus knows of a dispatch, as one value: the record and its payload. What is not there is empty or None."""

from typing import Any

import msgspec
from eightbells.events import document
from eightbells.events.schema import Attempt, Data, Verdict
from msgspec import Struct

RUN, ATTEMPT = b"r:", b"a:"
"""What the fields of runs, and of attempts that ended, begin with."""


class Run(Struct, frozen=True):
    """One start of the command. `source` is who said so last, with namespace and pod."""

    name: str
    number: int
    is_over: bool
    source: str


class Record(Struct, frozen=True, kw_only=True):
    """A dispatch at the server's time `now`. Times are milliseconds of the server, 0 where there is none; `beat_ms` is
    how long the last heartbeat still lives.
    """

    now: int
    seq: int = 0
    registered_at: int = 0
    cancelled_at: int = 0
    ended_at: int = 0
    create_before: int = 0
    cluster: str = ""
    namespace: str = ""
    job: str = ""
    job_uid: str = ""
    verdict: Verdict | None = None
    runs: tuple[Run, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    newest: Data | None = None
    ending: Data | None = None
    labels: dict[str, str] | None = None
    rerun_of: str = ""
    traceparent: str = ""
    beat_ms: int = 0

    @property
    def was_created(self) -> bool:
        """Whether its Job is known to have been there."""
        return bool(self.job_uid or self.runs)

    @property
    def is_alive(self) -> bool:
        """Whether a command runs, as far as its heartbeat tells."""
        return bool(self.runs) and not self.runs[-1].is_over and self.beat_ms > 0


def parse_record(now: int, record: dict[bytes, bytes], payload: dict[bytes, bytes], beat_ms: int) -> Record | None:
    """Return what the two hashes say; None where there is no record."""
    if not record:
        return None
    texts = {name: str(record.get(name, b""), "utf-8", "replace") for name in (b"cl", b"ns", b"job", b"uid")}
    times = {name: int(record.get(name, 0)) for name in (b"seq", b"reg", b"cancel", b"at", b"create")}
    more = {name: str(payload.get(name, b""), "utf-8", "replace") for name in (b"rerun_of", b"traceparent")}
    runs = sorted((_run(name, value) for name, value in record.items() if name.startswith(RUN)), key=lambda r: r.number)
    return Record(
        now=now,
        seq=times[b"seq"],
        registered_at=times[b"reg"],
        cancelled_at=times[b"cancel"],
        ended_at=times[b"at"],
        create_before=times[b"create"],
        cluster=texts[b"cl"],
        namespace=texts[b"ns"],
        job=texts[b"job"],
        job_uid=texts[b"uid"],
        verdict=read_verdict(record[b"end"], record.get(b"v", b"")) if b"end" in record else None,
        runs=tuple(runs),
        attempts=tuple(_attempt(run, payload) for run in runs),
        newest=_data(payload.get(b"att")),
        ending=_data(payload.get(b"end")),
        labels=_labels(payload.get(b"labels")),
        rerun_of=more[b"rerun_of"],
        traceparent=more[b"traceparent"],
        beat_ms=max(0, beat_ms),
    )


def read_verdict(state: bytes, text: bytes) -> Verdict:
    """Return a verdict; one that this version cannot read still has its state."""
    try:
        return document.decode_verdict(text)
    except document.EventError:
        return Verdict("completed" if state == b"completed" else "failed")


def _run(name: bytes, value: bytes) -> Run:
    number, rank, source = str(value, "utf-8", "replace").split(" ", 2)
    return Run(str(name[len(RUN) :], "utf-8", "replace"), int(number), int(rank) > 1, source)


def _attempt(run: Run, payload: dict[bytes, bytes]) -> Attempt:
    said = payload.get(ATTEMPT + str(run.number).encode())
    verdict = read_verdict(b"failed", said) if said else None
    known: dict[str, Any] = {}
    if verdict is not None:
        known = {"code": verdict.code, "started_at": verdict.started_at, "finished_at": verdict.finished_at}
    return Attempt(run.name, run.number, **known)


def _labels(text: bytes | None) -> dict[str, str] | None:
    """None also where another program has registered what is no JSON object of texts."""
    try:
        return msgspec.json.decode(text, type=dict[str, str]) if text else None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _data(text: bytes | None) -> Data | None:
    try:
        return None if text is None else document.decode(text).data
    except document.EventError:
        return None
