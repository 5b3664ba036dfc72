"""The bus under the property test: short calls, replies as plain values, and time and losses made by hand."""

from collections.abc import Iterable, Sequence
from itertools import count
from typing import Any

from eightbells.events import leasing, reporting
from eightbells.events.contract import keys
from eightbells.events.contract.scripts import Report
from eightbells.events.leasing import Begun, DeadLetter, GroupReply, Held, Release, Wanted
from eightbells.events.reporting import Cancelled, GroupList, Registered, Registration
from eightbells.events.request import Request, execute

from tests.servers.server import Server

LONG_MS = 3_600_000
CLUSTER = "c"
_numbers = count()


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

    def register(self, dispatch: str) -> Registered:
        registration = Registration(dispatch, LONG_MS, 0, labels="{}", context=dispatch)
        reply: Registered = self.only(reporting.register(self.ns, [registration], CLUSTER))
        return reply

    def cancel(self, dispatch: str) -> Cancelled:
        reply: Cancelled = self.only(reporting.cancel(self.ns, [dispatch], CLUSTER))
        return reply

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

    def touch_group(self, group: str) -> None:
        self.run(leasing.touch_group(self.ns, group))

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
        if how == "delete":
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

    def todo(self, group: str) -> set[str]:
        return self._members(keys.todo(self.ns, group))

    def done(self) -> set[str]:
        return self._members(keys.done(self.ns))

    def open(self) -> set[str]:
        return self._members(keys.open_(self.ns, CLUSTER))

    def _members(self, key: str) -> set[str]:
        return {member.decode() for member in self.client.zrange(key, 0, -1)}

    def summary(self, dispatch: str) -> dict[str, Any] | None:
        record = _text(self.client.hgetall(keys.record(self.ns, dispatch)))
        if not record:
            return None
        leases = {name[2:]: value.split(" ") for name, value in record.items() if name.startswith("g:")}
        return {
            "seq": int(record["seq"]),
            "end": record.get("eid"),
            "owed": int(record["owed"]) if "owed" in record else None,
            "conflicts": int(record.get("conflicts", 0)),
            "runs": {name[2:]: value for name, value in record.items() if name.startswith("r:")},
            "leases": {group: (words[0], int(words[1]), int(words[2])) for group, words in leases.items()},
            "payload": _text(self.client.hgetall(keys.payload(self.ns, dispatch))),
        }

    def ageless(self, groups: Iterable[str]) -> list[str]:
        """The keys of this history that would stay for ever and should not."""
        staying = {keys.cfg(self.ns), *(keys.todo(self.ns, group) for group in groups)}
        found = [key.decode() for key in self.client.scan_iter(keys.prefix(self.ns) + "*", count=1000)]
        return [key for key in found if key not in staying and self.client.pttl(key) == -1]


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
