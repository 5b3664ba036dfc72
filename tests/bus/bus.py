"""A namespace of the bus on a real server, as the tests of its scripts see it.

Every call runs as a user who may touch exactly the keys that the call declares, so that each test also shows that its
script touches no other. What a test looks at, it reads as somebody who may read everything.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

import redis
from eightbells.events import leasing, reporting
from eightbells.events.contract import keys
from eightbells.events.contract.scripts import Report
from eightbells.events.leasing import Age, Begun, DeadLetter, GroupReply, Held, Leased, Release, Wanted
from eightbells.events.reporting import GroupList, Published, Registered, Registration
from eightbells.events.request import Request, execute

from tests.servers.server import Server

T = TypeVar("T")
USER = "tester"
LEASE_MS = 60_000
LONG_MS = 3_600_000


def report(dispatch: str = "d", state: str = "completed", *, run: str = "r1", source: str = "w", **more: Any) -> Report:
    """An event whose document and verdict say which one it is."""
    said = f"{dispatch} {run} {state} {source}"
    given = {"document": f"document of {said}", "verdict": f"verdict of {said}", **more}
    return Report(dispatch, state, run=run, source=source, **given)


class Bus:
    """The scripts bound to one namespace, and what they leave on the server."""

    def __init__(self, server: Server, namespace: str = "test") -> None:
        self.namespace = namespace
        self.server = server
        # redis-py types a reply as all that any of its clients may give.
        self.client: Any = server.client()
        self.home: Any = home_of(server, keys.cfg(namespace))
        for node in server.nodes:
            node.acl_setuser(USER, enabled=True, nopass=True, commands=["+@all"], reset_keys=True)
        self._restricted: Any = server.client(username=USER, password="any")
        self._known = GroupList()

    # What the scripts do.

    def run(self, request: Request[T]) -> T:
        """Make one call with the rights to its own keys and no others."""
        self.home.acl_setuser(USER, enabled=True, reset_keys=True, keys=list(dict.fromkeys(request.keys)))
        return execute(self._restricted, request)

    def publish(self, *reports: Report, cluster: str = "") -> list[Published]:
        """Publish as a client should: with the group list it knows, and again when there is a newer one."""
        while True:
            reply = self.run(reporting.publish(self.namespace, self._known, reports, cluster))
            if not isinstance(reply, GroupList):
                return reply
            assert reply != self._known, "publish answers with the list it was given"
            self._known = reply

    def tell(self, dispatch: str = "d", state: str = "completed", **more: Any) -> Published:
        """Publish one event."""
        (reply,) = self.publish(report(dispatch, state, **more))
        return reply

    def register(self, dispatch: str = "d", cluster: str = "c", **more: Any) -> Registered:
        given: dict[str, Any] = {"deadline_ms": LONG_MS, "create_ms": LONG_MS, **more}
        (reply,) = self.run(reporting.register(self.namespace, [Registration(dispatch, **given)], cluster))
        return reply

    def cancel(self, dispatch: str = "d", cluster: str = "c") -> reporting.Cancelled:
        (reply,) = self.run(reporting.cancel(self.namespace, [dispatch], cluster))
        return reply

    def beat(self, dispatch: str = "d", life_ms: int = LONG_MS) -> reporting.Beaten:
        (reply,) = self.run(reporting.heartbeat(self.namespace, [(dispatch, "alive")], life_ms))
        return reply

    def look(self, dispatch: str = "d", cluster: str = "c", next_ms: int = LONG_MS) -> reporting.Look:
        (reply,) = self.run(reporting.look(self.namespace, cluster, [dispatch], next_ms))
        return reply

    def begin(
        self, dispatch: str = "d", group: str = "g", *, lease_ms: int = LEASE_MS, owner: str = "o", **more: Any
    ) -> Begun:
        wanted = [Wanted(dispatch, **more)]
        (reply,) = self.run(leasing.begin(self.namespace, group, wanted, owner=owner, lease_ms=lease_ms))
        return reply

    def renew(self, dispatch: str, fence: int, group: str = "g", lease_ms: int = LEASE_MS) -> Leased:
        (reply,) = self.run(leasing.renew(self.namespace, group, [Held(dispatch, fence)], lease_ms=lease_ms))
        return reply

    def release(self, dispatch: str, fence: int, group: str = "g", **more: Any) -> Leased:
        (reply,) = self.run(leasing.release(self.namespace, group, [Release(dispatch, fence, **more)]))
        return reply

    def commit(self, dispatch: str, fence: int, group: str = "g") -> Leased:
        (reply,) = self.run(leasing.commit(self.namespace, group, [Held(dispatch, fence)]))
        return reply

    def bury(self, dispatch: str, fence: int, group: str = "g", **more: Any) -> Leased:
        letter = DeadLetter(dispatch, fence, "no", "trace")
        (reply,) = self.run(leasing.dead(self.namespace, group, [letter], **more))
        return reply

    def add(self, group: str = "g") -> GroupReply:
        return self.run(leasing.add_group(self.namespace, group))

    def touch(self, group: str = "g") -> GroupReply:
        return self.run(leasing.touch_group(self.namespace, group))

    def remove(self, group: str = "g") -> GroupReply:
        return self.run(leasing.remove_group(self.namespace, group))

    def owe(self, *dispatches: str, group: str = "g") -> list[str]:
        return [one.status for one in self.run(leasing.owe(self.namespace, group, dispatches))]

    def drop(self, *dispatches: str, group: str = "g") -> list[str]:
        return [one.status for one in self.run(leasing.drop(self.namespace, group, dispatches))]

    def set(self, **ages: int) -> None:
        """Set ages: `log`, `payload`, `verdict`, `look`; and `patience`."""
        named: dict[Age, int] = {_SETTINGS[name]: value for name, value in ages.items()}
        assert self.run(leasing.set_ages(self.namespace, named)).status == "ok"

    def handle(self, dispatch: str = "d", group: str = "g") -> Leased:
        """Begin and commit an ending."""
        return self.commit(dispatch, self.begin(dispatch, group).fence, group)

    # What they leave.

    def key(self, kind: str, name: str = "") -> str:
        return keys.prefix(self.namespace) + kind + (f":{name}" if name else "")

    def record(self, dispatch: str = "d") -> dict[str, str]:
        return text(self.client.hgetall(keys.record(self.namespace, dispatch)))

    def payload(self, dispatch: str = "d") -> dict[str, str]:
        return text(self.client.hgetall(keys.payload(self.namespace, dispatch)))

    def todo(self, group: str = "g") -> dict[str, int]:
        return self.scores(keys.todo(self.namespace, group))

    def scores(self, key: str) -> dict[str, int]:
        found: Any = self.client.zrange(key, 0, -1, withscores=True)
        return {member.decode(): int(score) for member, score in found}

    def log(self) -> list[dict[str, str]]:
        entries: Any = self.client.xrange(keys.log(self.namespace))
        return [{"id": entry.decode(), **text(fields)} for entry, fields in entries]

    def ttl(self, kind: str, name: str = "") -> int:
        """Milliseconds left; -1 for a key that stays, -2 for none."""
        return int(self.client.pttl(self.key(kind, name)))

    def now(self) -> int:
        """The server's time in milliseconds: that of the node that has the namespace."""
        seconds, microseconds = self.home.time()
        return int(seconds) * 1000 + int(microseconds) // 1000

    def lapse(self, dispatch: str = "d", group: str = "g") -> None:
        """Let the time pass that a lease or a delay of the group has left."""
        self.move(dispatch, group, self.now() - 1)

    def move(self, dispatch: str, group: str, until: int) -> None:
        """Rewrite when a lease or a delay of the group ends."""
        field = keys.record(self.namespace, dispatch), f"g:{group}"
        words = str(self.client.hget(*field) or b"", "ascii").split(" ")
        self.client.hset(*field, " ".join([*words[:3], str(until), *words[4:]]))
        self.client.zadd(keys.todo(self.namespace, group), {dispatch: until})


_SETTINGS: dict[str, Age] = {
    "log": "age:log",
    "payload": "age:payload",
    "verdict": "age:verdict",
    "look": "age:look",
    "patience": "patience",
}


def text(fields: Any) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in fields.items()}


def home_of(server: Server, key: str) -> redis.Redis:
    """The client of the node that has the key's slot."""
    for node in server.nodes:
        try:
            node.exists(key)
        except redis.exceptions.MovedError:
            continue
        return node
    raise AssertionError(f"no node has {key}")


def statuses(replies: Sequence[Any]) -> list[str]:
    return [reply.status for reply in replies]
