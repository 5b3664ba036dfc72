"""One call, many elements: each has its own reply, and one that fails leaves the others alone."""

from typing import Any

import pytest
import redis
from eightbells.events import leasing, reporting
from eightbells.events.contract.limits import BATCH, PUBLISH_BATCH
from eightbells.events.leasing import DeadLetter, Held, Release, Wanted
from eightbells.events.reporting import GroupList, Registration
from eightbells.events.request import Request, UnknownReply

from tests.bus.bus import LEASE_MS, LONG_MS, Bus, report, statuses

THREE = ("a", "b", "c")


def break_record(bus: Bus, dispatch: str = "b", kind: str = "d") -> None:
    """Put something else where a record or payload should be."""
    bus.client.delete(bus.key(kind, dispatch))
    bus.client.set(bus.key(kind, dispatch), "not a hash", ex=60)


def replies(bus: Bus, script: str, fences: dict[str, int]) -> list[Any]:
    """Call a script for three dispatches at once."""
    ns, held = bus.namespace, [Held(one, fences.get(one, 0)) for one in THREE]
    requests: dict[str, Request[list[Any]]] = {
        "register": reporting.register(ns, [Registration(one, LONG_MS, LONG_MS) for one in THREE], "c"),
        "cancel": reporting.cancel(ns, THREE, "c"),
        "heartbeat": reporting.heartbeat(ns, [(one, "alive") for one in THREE], LONG_MS),
        "look": reporting.look(ns, "", THREE, LONG_MS),
        "begin": leasing.begin(ns, "g", [Wanted(one) for one in THREE], owner="o", lease_ms=LEASE_MS),
        "renew": leasing.renew(ns, "g", held, lease_ms=LEASE_MS),
        "release": leasing.release(ns, "g", [Release(one.dispatch, one.fence) for one in held]),
        "commit": leasing.commit(ns, "g", held),
        "dead": leasing.dead(ns, "g", [DeadLetter(one.dispatch, one.fence, "no") for one in held]),
        "owe": leasing.owe(ns, "h", THREE),
        "drop": leasing.drop(ns, "g", THREE),
    }
    return bus.run(requests[script])


@pytest.mark.parametrize("broken", ["d", "p"])
@pytest.mark.parametrize("state", ["completed", "attempt_ended"])
def test_publish_leaves_the_others_alone(owed: Bus, broken: str, state: str) -> None:
    """An event whose keys are not what they should be is an error of its own, and leaves nothing anywhere."""
    break_record(owed, kind=broken)
    said = owed.publish(*[report(one, state) for one in THREE])
    assert statuses(said) == ["ok", "error", "ok"]
    assert "WRONGTYPE" in said[1].message
    assert [entry["k"] for entry in owed.log()] == ["a", "c"]
    ended = {"a", "c"} if state == "completed" else set()
    assert set(owed.todo()) == set(owed.scores(owed.key("done"))) == ended
    assert set(owed.scores(owed.key("open:"))) == {"a", "c"} - ended


def test_a_broken_payload_takes_no_late_report(bus: Bus) -> None:
    """A late report that cannot be kept is an error, and not counted as if it were."""
    bus.tell("b")
    break_record(bus, kind="p")
    assert bus.tell("b", source="another").status == "error"
    assert "conflicts" not in bus.record("b")


@pytest.mark.parametrize("script", ["register", "cancel", "heartbeat", "look"])
def test_reporting_leaves_the_others_alone(bus: Bus, script: str) -> None:
    """A record that is none is an error of its own element, and the others stand."""
    for one in THREE:
        bus.tell(one, "running")
    bus.client.zadd(bus.key("open:"), dict.fromkeys(THREE, 0))
    break_record(bus)
    said = replies(bus, script, {})
    assert statuses(said) == [said[0].status, "error", said[0].status]
    assert said[0].status in {"ok", "due"}
    assert "WRONGTYPE" in said[1].message


def test_register_leaves_no_half_of_a_record(bus: Bus) -> None:
    """A dispatch whose payload cannot be written is not registered, nor to be looked at."""
    break_record(bus, kind="p")
    assert statuses(replies(bus, "register", {})) == ["ok", "error", "ok"]
    assert bus.record("b") == {}
    assert set(bus.scores(bus.key("open:c"))) == {"a", "c"}


@pytest.mark.parametrize("script", ["begin", "renew", "release", "commit", "dead", "owe", "drop"])
def test_leasing_leaves_the_others_alone(owed: Bus, script: str) -> None:
    """A record that is none is an error of its own element, and the others stand."""
    owed.publish(*[report(one) for one in THREE])
    owed.add("h")
    fences = {} if script == "begin" else {one: owed.begin(one).fence for one in THREE}
    break_record(owed)
    said = replies(owed, script, fences)
    assert statuses(said) == ["ok", "error", "ok"]
    assert "WRONGTYPE" in said[1].message


@pytest.mark.parametrize("kind", ["ev", "done", "open:", "todo:g"])
def test_nothing_is_accepted_without_the_shared_keys(owed: Bus, kind: str) -> None:
    """When log, queue or lists are not what they should be, publish fails as a whole before it accepts anything."""
    owed.client.set(owed.key(kind), "neither stream nor set", ex=60)
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        owed.tell()
    assert owed.record() == {}


def test_nothing_is_registered_without_the_open(bus: Bus) -> None:
    """When nobody would look at a dispatch it is not registered."""
    bus.client.set(bus.key("open:c"), "no set", ex=60)
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        bus.register()
    assert bus.record() == {}


def test_one_dispatch_twice_in_a_call(owed: Bus) -> None:
    """Elements of one call are done in order, so the second sees what the first did."""
    assert statuses(owed.publish(report(), report(), report(state="failed"))) == ["ok", "dup", "terminal"]
    wanted = [Wanted("d"), Wanted("d")]
    both = owed.run(leasing.begin(owed.namespace, "g", wanted, owner="o", lease_ms=LEASE_MS))
    assert statuses(both) == ["ok", "busy"]
    held = [Held("d", both[0].fence)] * 2
    committed = owed.run(leasing.commit(owed.namespace, "g", held))
    assert statuses(committed) == ["ok", "dup"]


def test_the_largest_batches(owed: Bus) -> None:
    """The most that one call may carry is done in one call."""
    names = [f"d{i}" for i in range(BATCH)]
    for start in range(0, BATCH, PUBLISH_BATCH):
        owed.publish(*[report(name) for name in names[start : start + PUBLISH_BATCH]])
    wanted = [Wanted(name) for name in names]
    begun = owed.run(leasing.begin(owed.namespace, "g", wanted, owner="o", lease_ms=LEASE_MS))
    assert statuses(begun) == ["ok"] * BATCH
    held = [Held(name, one.fence) for name, one in zip(names, begun, strict=True)]
    committed = owed.run(leasing.commit(owed.namespace, "g", held))
    assert statuses(committed) == ["ok"] * BATCH
    assert owed.todo() == {}


@pytest.mark.parametrize("count", [0, PUBLISH_BATCH + 1])
def test_no_larger_batch_is_made(count: int) -> None:
    """A batch that would keep the server's other clients waiting is refused before it is sent."""
    with pytest.raises(ValueError, match=f"a batch of {count} elements: send 1 to {PUBLISH_BATCH}"):
        reporting.publish("n", GroupList(), [report()] * count)


def test_a_call_of_another_shape_is_refused(owed: Bus) -> None:
    """Publish does nothing when its arguments do not fit its keys, or are more than it could carry to the queue."""
    right = reporting.publish(owed.namespace, GroupList(str(owed.add().version), ("g",)), [report()])
    for names, args in [
        (right.keys[:-1], right.args),
        (right.keys, [*right.args, "more"]),
        ([*right.keys[:-2], *list(right.keys[-2:]) * 501], [*right.args[:2], *list(right.args[2:]) * 501]),
    ]:
        with pytest.raises(redis.ResponseError, match="publish takes at most 500 events"):
            owed.run(Request("publish", names, args, right.parse))
    assert owed.record() == {}


def test_a_server_that_knows_no_script_is_told(bus: Bus) -> None:
    """Each script is brought along when the server does not know it."""
    for node in bus.server.nodes:
        node.script_flush()
    assert bus.tell().status == "ok"


def test_a_newer_bus_is_said(bus: Bus) -> None:
    """A reply that this version does not know is an error that says which words it knows."""
    request = reporting.cancel(bus.namespace, ["d"], "c")
    with pytest.raises(UnknownReply, match=r"'perhaps'; this version knows .*ended"):
        request.parse([[b"perhaps"]])
