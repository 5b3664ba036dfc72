"""Each script keeps to the keys that its call declares: as a server that enforces it sees them."""

from collections.abc import Callable
from typing import Any

import pytest
import redis
from eightbells.events import leasing, reporting
from eightbells.events.contract import keys, scripts
from eightbells.events.contract.digests import SHA1
from eightbells.events.leasing import DeadLetter, Held, Release, Wanted
from eightbells.events.reporting import GroupList, Registration
from eightbells.events.request import Request

from tests.bus.bus import LEASE_MS, LONG_MS, USER, Bus, home_of, report
from tests.servers.server import Server

Make = Callable[[str, GroupList, int], Request[Any]]
CALLS: dict[str, Make] = {
    "register": lambda ns, known, fence: reporting.register(ns, [Registration("e", LONG_MS, LONG_MS)], "c"),
    "cancel": lambda ns, known, fence: reporting.cancel(ns, ["e"], "c"),
    "publish": lambda ns, known, fence: reporting.publish(ns, known, [report("e")], "c"),
    "heartbeat": lambda ns, known, fence: reporting.heartbeat(ns, [("e", "alive")], LONG_MS),
    "look": lambda ns, known, fence: reporting.look(ns, "c", ["e"], LONG_MS),
    "begin": lambda ns, known, fence: leasing.begin(ns, "g", [Wanted("d")], owner="o", lease_ms=LEASE_MS),
    "renew": lambda ns, known, fence: leasing.renew(ns, "g", [Held("d", fence)], lease_ms=LEASE_MS),
    "release": lambda ns, known, fence: leasing.release(ns, "g", [Release("d", fence)]),
    "commit": lambda ns, known, fence: leasing.commit(ns, "g", [Held("d", fence)]),
    "dead": lambda ns, known, fence: leasing.dead(ns, "g", [DeadLetter("d", fence, "no")]),
    "groups": lambda ns, known, fence: leasing.owe(ns, "g", ["d"]),
}


def call(bus: Bus, script: str) -> Request[Any]:
    """A call of the script that has something to do."""
    known = GroupList(str(bus.add("g").version), ("g",))
    bus.tell()
    return CALLS[script](bus.namespace, known, bus.begin().fence)


def test_every_script_is_called() -> None:
    """The calls below are of every script there is."""
    assert set(CALLS) == set(scripts.NAMES)


@pytest.mark.parametrize("script", scripts.NAMES)
def test_a_script_needs_each_key_it_declares(bus: Bus, script: str) -> None:
    """A user who lacks the right to any one of the declared keys cannot make the call; with all of them he can."""
    request = call(bus, script)
    names = list(dict.fromkeys(request.keys))
    restricted: Any = bus.server.client(username=USER, password="any")
    for missing in names:
        kept = [name for name in names if name != missing]
        bus.home.acl_setuser(USER, enabled=True, reset_keys=True, keys=kept)
        with pytest.raises(redis.exceptions.NoPermissionError):
            restricted.execute_command(*request.eval)
    assert bus.run(request)


@pytest.mark.parametrize("script", scripts.NAMES)
def test_a_script_touches_only_its_namespace(bus: Bus, script: str) -> None:
    """Every key of a call is in the namespace's one slot."""
    names = call(bus, script).keys
    assert all(name.startswith(keys.prefix(bus.namespace)) for name in names)
    assert (
        len({bus.home.execute_command("CLUSTER", "KEYSLOT", name) for name in names} if is_cluster(bus) else {1}) == 1
    )


def is_cluster(bus: Bus) -> bool:
    return bus.server.is_cluster


@pytest.mark.parametrize("server", [pytest.param("cluster", marks=pytest.mark.xdist_group("cluster"))], indirect=True)
@pytest.mark.parametrize("script", scripts.NAMES)
def test_a_cluster_refuses_another_namespaces_keys(server: Server, script: str) -> None:
    """On a cluster a call that declares a key of another namespace, and so of another slot, is refused."""
    bus = Bus(server)
    request = call(bus, script)
    other = next(name for name in ("a", "b", "c", "d") if slot(bus, keys.cfg(name)) != slot(bus, keys.cfg("test")))
    names = [*request.keys[:-1], request.keys[-1].replace(keys.prefix("test"), keys.prefix(other))]
    with pytest.raises(redis.ResponseError, match=r"CROSSSLOT|hash to the same slot"):
        bus.home.execute_command("EVALSHA", SHA1[script], len(names), *names, *request.args)
    for shebang in ("#!lua", "#!lua flags=allow-oom"):
        write = f"{shebang}\nreturn redis.call('SET', ARGV[1], 'x')"
        with pytest.raises(redis.ResponseError, match=r"non local key|do not hash to the same slot"):
            bus.home.execute_command("EVAL", write, 1, request.keys[0], names[-1])


def slot(bus: Bus, key: str) -> int:
    return int(bus.home.execute_command("CLUSTER", "KEYSLOT", key))


def test_namespaces_are_apart(server: Server) -> None:
    """Two namespaces on one server share nothing: groups, dispatches, fences."""
    one, two = Bus(server, "one"), Bus(server, "two")
    one.add()
    assert one.tell().status == two.tell("d", "failed").status == "ok"
    assert set(one.todo()) == {"d"}
    assert two.todo() == {}
    assert home_of(server, keys.cfg("one")).exists(one.key("d", "d"))
