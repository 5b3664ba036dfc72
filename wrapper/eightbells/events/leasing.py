"""The scripts of those who consume: begin, renew, release, commit, dead, groups. One typed function each.

A group owes itself every accepted ending until it commits it. `begin` gives one consumer the lease, with a fence
that rises with every lease of a dispatch; the other four need it. Batches and errors are as in `reporting`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, cast

from eightbells.events.contract import keys
from eightbells.events.contract.limits import BATCH, DEAD_LETTER_MS, DEAD_LETTERS
from eightbells.events.request import Arg, Request, check_batch, text, word
from msgspec import Struct

BeginStatus = Literal["ok", "done", "busy", "later", "gone", "error"]
LeaseStatus = Literal["ok", "dup", "lost", "error"]
GroupStatus = Literal["ok", "known", "unknown", "gone", "error"]
Age = Literal["age:log", "age:payload", "age:verdict", "age:look", "patience"]

_BEGIN = frozenset({"ok", "done", "busy", "later", "gone", "error"})
_LEASE = frozenset({"ok", "dup", "lost", "error"})
_GROUP = frozenset({"ok", "known", "unknown", "gone", "error"})


class Wanted(Struct, frozen=True):
    """An event to begin: an ending, or the progress event of log entry `entry`."""

    dispatch: str
    entry: str = ""
    with_document: bool = False


class Begun(Struct, frozen=True):
    """ok: it is ours, with `fence`, for the `tries`th time (progress has neither) · done: this group has it
    behind it, or is not owed it · busy, later: somebody holds it, or it was put off, for `wait_ms` more ·
    gone: no record · error: `message`. `document` is there when asked for and not yet aged; `verdict` always.
    """

    status: BeginStatus
    fence: int = 0
    tries: int = 0
    verdict: bytes = b""
    document: bytes = b""
    labels: bytes = b""
    context: bytes = b""
    callback: bytes = b""
    traceparent: bytes = b""
    rerun_of: bytes = b""
    wait_ms: int = 0
    message: str = ""


class Held(Struct, frozen=True):
    """An ending that this consumer began, named by its fence."""

    dispatch: str
    fence: int


class Release(Struct, frozen=True):
    """An ending to give back, due again after `delay_ms`; `refund` takes the try back (a clean shutdown)."""

    dispatch: str
    fence: int
    delay_ms: int = 0
    refund: bool = False


class DeadLetter(Struct, frozen=True):
    """An ending that the handler could not take, with its last error."""

    dispatch: str
    fence: int
    error: str
    traceback: str = ""


class Leased(Struct, frozen=True):
    """ok · dup: it was done already, under this fence · lost: the lease is somebody else's now · error."""

    status: LeaseStatus
    message: str = ""


class GroupReply(Struct, frozen=True):
    """ok · known: nothing had to be done · unknown: no such group · gone: no record · error.

    `version` is that of the group list; `registered_at` is server time (ms); `count` is what a group that was
    dormant lost (add), or what has to be dropped (remove).
    """

    status: GroupStatus
    version: int = 0
    registered_at: int = 0
    count: int = 0
    message: str = ""


def begin(namespace: str, group: str, events: Sequence[Wanted], *, owner: str, lease_ms: int) -> Request[list[Begun]]:
    """Ask for 1 to 500 events; an ending that is given is held for `lease_ms`."""
    args: list[Arg] = [group, lease_ms, owner]
    for one in events:
        args += [one.dispatch, one.entry, int(one.with_document)]
    names = _names(namespace, group, [one.dispatch for one in events])
    return Request("begin", names, args, lambda reply: [_begun(one) for one in reply])


def _names(namespace: str, group: str, dispatches: Sequence[str]) -> list[str]:
    check_batch(len(dispatches), BATCH)
    return [keys.cfg(namespace), keys.todo(namespace, group), *keys.records(namespace, list(dispatches))]


def _begun(reply: list[Any]) -> Begun:
    status = cast("BeginStatus", word(reply, _BEGIN))
    match status:
        case "ok":
            verdict, document, labels, context, callback, traceparent, rerun_of = [
                value or b"" for value in reply[3:10]
            ]
            return Begun(
                status, reply[1], reply[2], verdict, document, labels, context, callback, traceparent, rerun_of
            )
        case "busy" | "later":
            return Begun(status, wait_ms=reply[1])
        case "error":
            return Begun(status, message=text(reply[1]))
    return Begun(status)


def renew(namespace: str, group: str, held: Sequence[Held], *, lease_ms: int) -> Request[list[Leased]]:
    """Hold 1 to 500 endings for `lease_ms` from now."""
    args: list[Arg] = [group, lease_ms]
    for one in held:
        args += [one.dispatch, one.fence]
    return Request("renew", _names(namespace, group, [one.dispatch for one in held]), args, _parse_leases)


def release(namespace: str, group: str, released: Sequence[Release]) -> Request[list[Leased]]:
    """Give 1 to 500 endings back."""
    args: list[Arg] = [group]
    for one in released:
        args += [one.dispatch, one.fence, one.delay_ms, int(one.refund)]
    return Request("release", _names(namespace, group, [one.dispatch for one in released]), args, _parse_leases)


def commit(namespace: str, group: str, held: Sequence[Held]) -> Request[list[Leased]]:
    """Record that the group has handled 1 to 500 endings."""
    args: list[Arg] = [group]
    for one in held:
        args += [one.dispatch, one.fence]
    return Request("commit", _names(namespace, group, [one.dispatch for one in held]), args, _parse_leases)


def dead(
    namespace: str, group: str, letters: Sequence[DeadLetter], *, keep: int = DEAD_LETTERS, age_ms: int = DEAD_LETTER_MS
) -> Request[list[Leased]]:
    """Move 1 to 500 endings to the group's dead letters, of which about `keep` stay, for `age_ms`."""
    names = _names(namespace, group, [one.dispatch for one in letters])
    names.insert(2, keys.dead_letters(namespace, group))
    args: list[Arg] = [group, keep, age_ms]
    for one in letters:
        args += [one.dispatch, one.fence, one.error, one.traceback]
    return Request("dead", names, args, _parse_leases)


def _parse_leases(reply: list[Any]) -> list[Leased]:
    return [_leased(one) for one in reply]


def _leased(reply: list[Any]) -> Leased:
    status = cast("LeaseStatus", word(reply, _LEASE))
    return Leased(status, text(reply[1]) if status == "error" else "")


def add_group(namespace: str, group: str) -> Request[GroupReply]:
    """Register a group: what is accepted from now on is owed to it."""
    return _groups(namespace, "add", group, _parse_group(("registered_at", "version", "count")))


def touch_group(namespace: str, group: str) -> Request[GroupReply]:
    """Say that somebody consumes the group, and trim what has passed its age. `unknown`: it went dormant; add it."""
    return _groups(namespace, "touch", group, _parse_group(("version",)))


def remove_group(namespace: str, group: str) -> Request[GroupReply]:
    """Take a group off the list; then `drop` the members of its queue until none is left."""
    return _groups(namespace, "remove", group, _parse_group(("count", "version")))


def owe(namespace: str, group: str, dispatches: Sequence[str]) -> Request[list[GroupReply]]:
    """Owe a group 1 to 500 endings that were accepted before it was registered."""
    return _groups(namespace, "owe", group, _parse_each, dispatches)


def drop(namespace: str, group: str, dispatches: Sequence[str]) -> Request[list[GroupReply]]:
    """Settle 1 to 500 endings that a removed group was owed."""
    return _groups(namespace, "drop", group, _parse_each, dispatches)


def set_ages(namespace: str, ages: Mapping[Age, int]) -> Request[GroupReply]:
    """Set ages of the bus, in milliseconds; they hold for every program at once."""
    names = [keys.cfg(namespace), keys.log(namespace), keys.done(namespace)]
    args: list[Arg] = ["set", ""]
    for field, value in ages.items():
        args += [field, value]
    return Request("groups", names, args, _parse_group(()))


def _groups(
    namespace: str, operation: str, group: str, parse: Callable[[list[Any]], Any], dispatches: Sequence[str] = ()
) -> Request[Any]:
    names = [keys.cfg(namespace), keys.log(namespace), keys.done(namespace), keys.todo(namespace, group)]
    if dispatches:
        check_batch(len(dispatches), BATCH)
    names += keys.records(namespace, list(dispatches))
    return Request("groups", names, [operation, group, *dispatches], parse)


def _parse_group(fields: tuple[str, ...]) -> Callable[[list[Any]], GroupReply]:
    def parse(reply: list[Any]) -> GroupReply:
        status = cast("GroupStatus", word(reply, _GROUP))
        if status == "error":
            return GroupReply(status, message=text(reply[1]))
        return GroupReply(status, **dict(zip(fields, reply[1:], strict=False)))

    return parse


def _parse_each(reply: list[Any]) -> list[GroupReply]:
    return [_settled(one) for one in reply]


def _settled(reply: list[Any]) -> GroupReply:
    status = cast("GroupStatus", word(reply, _GROUP))
    return GroupReply(status, message=text(reply[1]) if status == "error" else "")
