"""The scripts of the bus: their texts, and the KEYS and ARGV of the two that the wrapper calls.

The texts are the `.lua` files beside this module, read when first asked for: a wrapper needs two of the eleven.
"""

from eightbells.events.contract import keys
from eightbells.events.contract.digests import SHA1

NAMES = tuple(SHA1)

_texts: dict[str, str] = {}


def text(name: str) -> str:
    """Return the Lua text of a script; its SHA-1 is `digests.SHA1[name]`."""
    if name not in _texts:
        with open(f"{__file__.rpartition('/')[0]}/lua/{name}.lua", encoding="utf-8") as file:
            _texts[name] = file.read()
    return _texts[name]


class Report:
    """What `publish` is told of one event. Times are milliseconds; '' stands for what is not known.

    `seq` is the record's number that the report rests on (None: it rests on none). `verdict` is a JSON object of
    at most 300 bytes that outlives the document; `finished_ms` is the end of the command by the reporter's clock.
    """

    __slots__ = (
        "code",
        "dispatch",
        "document",
        "event_id",
        "finished_ms",
        "job_uid",
        "run",
        "seq",
        "source",
        "state",
        "verdict",
    )

    def __init__(
        self,
        dispatch: str,
        state: str,
        *,
        run: str,
        source: str,
        document: bytes | str,
        code: str = "",
        job_uid: str = "",
        finished_ms: int | None = None,
        seq: int | None = None,
        verdict: bytes | str = "",
    ) -> None:
        self.dispatch = dispatch
        self.state = state
        self.run = run
        self.event_id = event_id(dispatch, run, state)
        self.source = source
        self.document = document
        self.code = code
        self.job_uid = job_uid
        self.finished_ms = finished_ms
        self.seq = seq
        self.verdict = verdict


def event_id(dispatch: str, run: str, state: str) -> str:
    """Return the deterministic id of an event: a resend is the same event. `-` stands for no run."""
    return f"{dispatch}/{run or '-'}/{state}"


def publish(
    namespace: str, cluster: str, version: str, groups: list[str], reports: list[Report]
) -> tuple[list[str], list[str | bytes | int]]:
    """Return KEYS and ARGV of publish; `version` and `groups` are the group list the caller knows ('0' and none)."""
    names = [keys.cfg(namespace), keys.log(namespace), keys.done(namespace), keys.open_(namespace, cluster)]
    names += [keys.todo(namespace, group) for group in groups]
    args: list[str | bytes | int] = [version, len(groups)]
    names += keys.records(namespace, [report.dispatch for report in reports])
    for report in reports:
        args += [report.dispatch, report.state, report.event_id, report.source, report.run, report.code]
        args += [report.job_uid, "" if report.finished_ms is None else report.finished_ms]
        args += ["" if report.seq is None else report.seq, report.verdict, report.document]
    return names, args


def heartbeat(namespace: str, life_ms: int, beats: list[tuple[str, str]]) -> tuple[list[str], list[str | bytes | int]]:
    """Return KEYS and ARGV of heartbeat; each beat is (dispatch, what it says)."""
    names = [keys.cfg(namespace)]
    args: list[str | bytes | int] = [life_ms]
    for dispatch, says in beats:
        names += [
            keys.record(namespace, dispatch),
            keys.payload(namespace, dispatch),
            keys.heartbeat(namespace, dispatch),
        ]
        args.append(says)
    return names, args
