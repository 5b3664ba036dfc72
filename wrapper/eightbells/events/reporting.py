"""The scripts of those who report: register, cancel, publish, heartbeat, look. One typed function each.

Every function returns a `Request` for a whole batch; its reply has one element for each element sent, and an
element that failed has the status "error" and leaves the others alone. Times are milliseconds of the server.
"""

from collections.abc import Sequence
from typing import Any, Literal, cast

from eightbells.events.contract import keys, scripts
from eightbells.events.contract.limits import BATCH, PUBLISH_BATCH
from eightbells.events.contract.scripts import Report
from eightbells.events.request import Arg, Request, check_batch, text, word
from msgspec import Struct

PublishStatus = Literal["ok", "dup", "stale", "terminal", "cancelling", "moved", "expired", "error"]
RegisterStatus = Literal["ok", "known", "other", "ended", "cancelling", "error"]
CancelStatus = Literal["ok", "known", "ended", "error"]
BeatStatus = Literal["ok", "terminal", "cancelling", "error"]
LookStatus = Literal["due", "early", "ended", "gone", "error"]

_PUBLISH = frozenset({"ok", "dup", "stale", "terminal", "cancelling", "moved", "expired", "error"})
_REGISTER = frozenset({"ok", "known", "other", "ended", "cancelling", "error"})
_CANCEL = frozenset({"ok", "known", "ended", "error"})
_BEAT = frozenset({"ok", "terminal", "cancelling", "error"})
_LOOK = frozenset({"due", "early", "ended", "gone", "error"})


class GroupList(Struct, frozen=True):
    """The groups that are owed every ending, and the version of the list. `publish` answers with it when the
    caller's is old: nothing was done, and the same call is made again with this one.
    """

    version: str = "0"
    names: tuple[str, ...] = ()


class Published(Struct, frozen=True):
    """What became of one event.

    ok: accepted, as attempt `attempt` · dup: the same event again · stale: its run is past that state · terminal:
    the dispatch has ended with `verdict` · cancelling: resend the failure as `cancelled` · moved: the record is at
    `seq`, look again · expired: no record, and it finished before the retention · error: `message`.
    """

    status: PublishStatus
    attempt: int = 0
    seq: int = 0
    is_cancelling: bool = False
    verdict: bytes = b""
    message: str = ""


class Registration(Struct, frozen=True):
    """A dispatch to register. `deadline_ms`: it must have ended by then, from now; `create_ms`: its Job may still
    be created until then, from now. Labels are a JSON object; context is opaque. `spec` is a fingerprint of what is to
    run, by which the same id with other content is told.
    """

    dispatch: str
    deadline_ms: int
    create_ms: int
    namespace: str = ""
    job: str = ""
    job_uid: str = ""
    labels: str = ""
    context: str = ""
    callback: str = ""
    traceparent: str = ""
    rerun_of: str = ""
    spec: str = ""


class Registered(Struct, frozen=True):
    """ok, or known already: create the Job before `create_before` (server time; it was `now` when asked) ·
    other: it was registered with the fingerprint `spec` · ended: with `verdict` · cancelling: do not create it ·
    error: `message`.
    """

    status: RegisterStatus
    seq: int = 0
    create_before: int = 0
    now: int = 0
    job_uid: str = ""
    verdict: bytes = b""
    message: str = ""
    spec: str = ""


class Cancelled(Struct, frozen=True):
    """ok, or known to be cancelled already: the Job is at this place · ended: with `verdict` · error: `message`."""

    status: CancelStatus
    seq: int = 0
    cluster: str = ""
    namespace: str = ""
    job: str = ""
    job_uid: str = ""
    verdict: bytes = b""
    message: str = ""


class Beaten(Struct, frozen=True):
    """What a heartbeat learnt: ok · terminal: the dispatch has ended with `verdict` · cancelling · error."""

    status: BeatStatus
    seq: int = 0
    verdict: bytes = b""
    message: str = ""


class Look(Struct, frozen=True):
    """due: look at it now, and again after the time asked for · early: somebody has, it is due in `wait_ms` ·
    ended: with `verdict` · gone: no record · error: `message`. Times that are not known are 0.
    """

    status: LookStatus
    seq: int = 0
    wait_ms: int = 0
    cluster: str = ""
    namespace: str = ""
    job: str = ""
    job_uid: str = ""
    create_before: int = 0
    deadline: int = 0
    cancelled_at: int = 0
    runs: int = 0
    now: int = 0
    verdict: bytes = b""
    message: str = ""


def publish(
    namespace: str, groups: GroupList, reports: Sequence[Report], cluster: str = ""
) -> Request[GroupList | list[Published]]:
    """Publish 1 to 100 events of one cluster ('' outside Kubernetes)."""
    check_batch(len(reports), PUBLISH_BATCH)
    names, args = scripts.publish(namespace, cluster, groups.version, list(groups.names), list(reports))
    return Request("publish", names, args, _parse_publish)


def _parse_publish(reply: list[Any]) -> GroupList | list[Published]:
    if reply[0] == b"groups":
        return GroupList(text(reply[1]), tuple(sorted(text(name) for name in reply[2:])))
    return [_published(one) for one in reply]


def _published(reply: list[Any]) -> Published:
    status = cast("PublishStatus", word(reply, _PUBLISH))
    match status:
        case "ok":
            return Published(status, reply[1], reply[2], is_cancelling=bool(reply[3]))
        case "dup" | "stale":
            return Published(status, reply[1], reply[2])
        case "terminal":
            return Published(status, verdict=reply[1])
        case "cancelling" | "moved":
            return Published(status, seq=reply[1])
        case "error":
            return Published(status, message=text(reply[1]))
    return Published(status)


def register(namespace: str, dispatches: Sequence[Registration], cluster: str) -> Request[list[Registered]]:
    """Register 1 to 500 dispatches before their Jobs are created."""
    check_batch(len(dispatches), BATCH)
    names, args = [keys.cfg(namespace), keys.open_(namespace, cluster)], cast("list[Arg]", [cluster])
    names += keys.records(namespace, [one.dispatch for one in dispatches])
    for one in dispatches:
        args += [one.dispatch, one.namespace, one.job, one.job_uid, one.deadline_ms, one.create_ms]
        args += [one.labels, one.context, one.callback, one.traceparent, one.rerun_of, one.spec]
    return Request("register", names, args, lambda reply: [_registered(one) for one in reply])


def _registered(reply: list[Any]) -> Registered:
    status = cast("RegisterStatus", word(reply, _REGISTER))
    match status:
        case "ok" | "known":
            return Registered(status, reply[1], reply[2], reply[3], text(reply[4]))
        case "ended":
            return Registered(status, reply[1], verdict=reply[2])
        case "other":
            return Registered(status, reply[1], spec=text(reply[2]))
        case "error":
            return Registered(status, message=text(reply[1]))
    return Registered(status, reply[1])


def cancel(namespace: str, dispatches: Sequence[str], cluster: str) -> Request[list[Cancelled]]:
    """Mark 1 to 500 dispatches as being cancelled."""
    check_batch(len(dispatches), BATCH)
    names = [keys.cfg(namespace), keys.open_(namespace, cluster)]
    names += [keys.record(namespace, dispatch) for dispatch in dispatches]
    return Request("cancel", names, list(dispatches), lambda reply: [_cancelled(one) for one in reply])


def _cancelled(reply: list[Any]) -> Cancelled:
    status = cast("CancelStatus", word(reply, _CANCEL))
    if status == "error":
        return Cancelled(status, message=text(reply[1]))
    if status == "ended":
        return Cancelled(status, reply[1], verdict=reply[2])
    cluster, namespace, job, job_uid = map(text, reply[2:6])
    return Cancelled(status, reply[1], cluster, namespace, job, job_uid)


def heartbeat(namespace: str, beats: Sequence[tuple[str, str]], life_ms: int) -> Request[list[Beaten]]:
    """Say that the runs of 1 to 500 dispatches live for `life_ms` more; each beat is (dispatch, what it says)."""
    check_batch(len(beats), BATCH)
    names, args = scripts.heartbeat(namespace, life_ms, list(beats))
    return Request("heartbeat", names, args, lambda reply: [_beaten(one) for one in reply])


def _beaten(reply: list[Any]) -> Beaten:
    status = cast("BeatStatus", word(reply, _BEAT))
    if status == "error":
        return Beaten(status, message=text(reply[1]))
    return Beaten(status, verdict=reply[1]) if status == "terminal" else Beaten(status, reply[1])


def look(namespace: str, cluster: str, dispatches: Sequence[str], next_ms: int) -> Request[list[Look]]:
    """Take 1 to 500 open dispatches that are due, and move each on by `next_ms`."""
    check_batch(len(dispatches), BATCH)
    names = [keys.cfg(namespace), keys.open_(namespace, cluster)]
    names += [keys.record(namespace, dispatch) for dispatch in dispatches]
    return Request("look", names, [next_ms, *dispatches], lambda reply: [_look(one) for one in reply])


def _look(reply: list[Any]) -> Look:
    status = cast("LookStatus", word(reply, _LOOK))
    match status:
        case "due":
            cluster, namespace, job, job_uid = map(text, reply[2:6])
            return Look(status, reply[1], 0, cluster, namespace, job, job_uid, *reply[6:11])
        case "early":
            return Look(status, wait_ms=reply[1])
        case "ended":
            return Look(status, reply[1], verdict=reply[2])
        case "error":
            return Look(status, message=text(reply[1]))
    return Look(status)
