"""The bus under the property test: short calls, replies as plain values, and time and losses made by hand."""

from collections.abc import Sequence
from itertools import count
from typing import Any, NamedTuple

from eightbells.events import leasing, reporting
from eightbells.events.contract import keys
from eightbells.events.contract.scripts import Report
from eightbells.events.leasing import Begun, DeadLetter, GroupReply, Held, Release, Wanted
from eightbells.events.reporting import GroupList, Registration
from eightbells.events.request import Request, execute

from tests.servers.server import Server

LONG_MS = 3_600_000
CLUSTER = "c"
_numbers = count()


class State(NamedTuple):
    records: dict[str, dict[str, Any] | None]
    todo: dict[str, set[str]]
    done: set[str]
    open: set[str]
    without_age: set[str]


class Subject:
    def __init__(self, server: Server) -> None:
        self.ns = f"history-{next(_numbers)}"
        self.client: Any = server.client()
        self.lists = [GroupList(), GroupList()]
        self.version = "0"
        self.was_current = True

    def run(self, request: Request[Any]) -> Any:
        return execute(self.client, request)

    def only(self, request: Request[Any]) -> Any:
        (reply,) = self.run(request)
        return reply

    def register(self, dispatch: str, spec: str) -> tuple[Any, ...]:
        registration = Registration(dispatch, LONG_MS, 0, labels="{}", context=dispatch, spec=spec)
        reply = self.only(reporting.register(self.ns, [registration], CLUSTER))
        return (*_answer(reply), reply.spec) if reply.status == "other" else _answer(reply)

    def cancel(self, dispatch: str) -> tuple[Any, ...]:
        return _answer(self.only(reporting.cancel(self.ns, [dispatch], CLUSTER)))

    def publish(self, batch: Sequence[Report], publisher: int) -> list[tuple[Any, ...]] | None:
        """The replies; None when this publisher's list was not taken, and it has the new one now."""
        known = self.lists[publisher]
        self.was_current = known.version == self.version
        reply = self.run(reporting.publish(self.ns, known, batch, CLUSTER))
        if isinstance(reply, GroupList):
            assert reply != known
            self.lists[publisher] = reply
            return None
        assert self.was_current, "an old list of groups was taken"
        return [_published(one) for one in reply]

    def beat(self, dispatch: str) -> tuple[Any, ...]:
        reply = self.only(reporting.heartbeat(self.ns, [(dispatch, "alive")], LONG_MS))
        return (reply.status, reply.verdict.decode() if reply.status == "terminal" else reply.seq)

    def look(self, dispatch: str) -> tuple[Any, ...]:
        reply = self.only(reporting.look(self.ns, CLUSTER, [dispatch], LONG_MS))
        match reply.status:
            case "due":
                return ("due", reply.seq)
            case "ended":
                return ("ended", reply.seq, reply.verdict.decode())
        return (reply.status,)

    def begin(self, group: str, wanted: Sequence[Wanted]) -> list[Begun]:
        begun: list[Begun] = self.run(leasing.begin(self.ns, group, wanted, owner="o", lease_ms=LONG_MS))
        return begun

    def renew(self, group: str, held: Held) -> str:
        return str(self.only(leasing.renew(self.ns, group, [held], lease_ms=LONG_MS)).status)

    def release(self, group: str, release: Release) -> str:
        return str(self.only(leasing.release(self.ns, group, [release])).status)

    def commit(self, group: str, held: Held) -> str:
        return str(self.only(leasing.commit(self.ns, group, [held])).status)

    def dead(self, group: str, letter: DeadLetter) -> str:
        return str(self.only(leasing.dead(self.ns, group, [letter])).status)

    def add_group(self, group: str) -> GroupReply:
        reply: GroupReply = self.run(leasing.add_group(self.ns, group))
        return reply

    def remove_group(self, group: str) -> GroupReply:
        reply: GroupReply = self.run(leasing.remove_group(self.ns, group))
        return reply

    def owe(self, group: str, dispatch: str) -> str:
        return str(self.only(leasing.owe(self.ns, group, [dispatch])).status)

    def drop(self, group: str, dispatch: str) -> str:
        return str(self.only(leasing.drop(self.ns, group, [dispatch])).status)

    # Time and losses.

    def unconsume(self, group: str) -> None:
        self.client.hset(keys.cfg(self.ns), f"s:{group}", 0)

    def lapse(self, group: str, dispatch: str) -> None:
        key, name = keys.record(self.ns, dispatch), f"g:{group}"
        words = self.client.hget(key, name).split(b" ")
        self.client.hset(key, name, b" ".join([*words[:3], b"1", *words[4:]]))
        self.client.zadd(keys.todo(self.ns, group), {dispatch: 1})

    def age(self, dispatch: str) -> None:
        self.client.delete(*(make(self.ns, dispatch) for make in (keys.record, keys.payload)))

    def lose_log(self, how: str) -> None:
        if how == "log":
            self.client.delete(keys.log(self.ns))
        else:
            self.client.xtrim(keys.log(self.ns), maxlen=0, approximate=False)

    def flush(self) -> None:
        self.client.flushall()
        self.version = "0"

    # What is there.

    def log(self) -> list[tuple[str, str, tuple[int, int]]]:
        entries = [(fields, entry.split(b"-")) for entry, fields in self.client.xrange(keys.log(self.ns))]
        return [(fields[b"k"].decode(), fields[b"s"].decode(), (int(ms), int(n))) for fields, (ms, n) in entries]

    def state(self, dispatches: Sequence[str], groups: Sequence[str]) -> State:
        """All that there is, in one round trip; and the keys that never expire in another."""
        with self.client.pipeline(transaction=False) as ask:
            for dispatch in dispatches:
                ask.hgetall(keys.record(self.ns, dispatch))
                ask.hgetall(keys.payload(self.ns, dispatch))
            for key in [
                *(keys.todo(self.ns, group) for group in groups),
                keys.done(self.ns),
                keys.open_(self.ns, CLUSTER),
            ]:
                ask.zrange(key, 0, -1)
            ask.keys(keys.prefix(self.ns) + "*")
            *found, names = ask.execute()
            for name in names:
                ask.pttl(name)
            ages = dict(zip(names, ask.execute(), strict=True))
        records, sets = found[: 2 * len(dispatches)], [_words(one) for one in found[2 * len(dispatches) :]]
        return State(
            {dispatch: _summary(*records[2 * i : 2 * i + 2]) for i, dispatch in enumerate(dispatches)},
            dict(zip(groups, sets, strict=False)),
            sets[-2],
            sets[-1],
            {name.decode().partition("}:")[2] for name, age in ages.items() if age == -1},
        )


def _words(members: list[bytes]) -> set[str]:
    return {member.decode() for member in members}


def _summary(record: dict[bytes, bytes], payload: dict[bytes, bytes]) -> dict[str, Any] | None:
    if not record:
        return None
    known = _text(record)
    leases = {name[2:]: value.split(" ") for name, value in known.items() if name.startswith("g:")}
    return {
        "seq": int(known["seq"]),
        "end": known.get("eid"),
        "owed": int(known["owed"]) if "owed" in known else None,
        "conflicts": int(known.get("conflicts", 0)),
        "runs": {name[2:]: value for name, value in known.items() if name.startswith("r:")},
        "leases": {group: (words[0], int(words[1]), int(words[2])) for group, words in leases.items()},
        "payload": _text(payload),
    }


def _answer(reply: Any) -> tuple[Any, ...]:
    return (reply.status, reply.seq, *([reply.verdict.decode()] if reply.verdict else []))


def _published(reply: reporting.Published) -> tuple[Any, ...]:
    match reply.status:
        case "ok":
            return ("ok", reply.attempt, reply.seq, reply.is_cancelling)
        case "dup" | "stale":
            return (reply.status, reply.attempt, reply.seq)
        case "terminal":
            return ("terminal", reply.verdict.decode())
        case "moved" | "cancelling":
            return (reply.status, reply.seq)
    return (reply.status,)


def _text(fields: dict[bytes, bytes]) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in fields.items()}
