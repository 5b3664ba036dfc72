"""groups: who is owed the endings, from when, and until when."""

import pytest
from eightbells.events import leasing, reporting
from eightbells.events.leasing import GroupReply
from eightbells.events.reporting import GroupList
from eightbells.events.request import Request

from tests.bus.bus import LEASE_MS, Bus, report
from tests.waiting import wait_until

TINY_MS = 100


def test_a_group_is_registered_once(bus: Bus) -> None:
    """Adding a group that is there changes nothing and says when it came."""
    before = bus.now()
    first = bus.add()
    assert first == GroupReply("ok", first.version, first.registered_at)
    assert before <= first.registered_at <= bus.now()
    assert bus.add() == GroupReply("known", first.version, first.registered_at)


def test_an_old_list_is_answered_with_the_new(bus: Bus) -> None:
    """A publisher whose list of groups is old changes nothing and is told the new one."""
    bus.add("b")
    version = bus.add("a").version
    reply = bus.run(reporting.publish(bus.namespace, GroupList(), [report()]))
    assert reply == GroupList(str(version), ("a", "b"))
    assert bus.record() == {}
    assert bus.log() == []


def test_a_list_without_groups_is_the_first(bus: Bus) -> None:
    """While there are no groups a publisher needs no list."""
    reply = bus.run(reporting.publish(bus.namespace, GroupList(), [report()]))
    assert isinstance(reply, list)


def test_every_group_is_owed_every_ending(bus: Bus) -> None:
    """An ending is in the queue of each group that is registered when it is accepted."""
    bus.add("a")
    bus.add("b")
    bus.tell("one")
    bus.remove("a")
    bus.tell("two")
    assert set(bus.todo("a")) == {"one"}
    assert set(bus.todo("b")) == {"one", "two"}
    assert (bus.record("one")["owed"], bus.record("two")["owed"]) == ("2", "1")


def test_a_new_group_is_not_owed_the_old(bus: Bus) -> None:
    """A group is owed what is accepted after it was registered, and begin says so of the rest."""
    bus.tell()
    bus.add()
    assert bus.todo() == {}
    assert bus.begin().status == "done"


def test_owe_adds_what_came_before(owed: Bus) -> None:
    """A new group can be owed older endings, each once; it then has them at once."""
    owed.tell()
    owed.add("h")
    assert owed.owe("d", group="h") == ["ok"]
    assert owed.owe("d", group="h") == ["known"]
    assert owed.todo("h")["d"] <= owed.now()
    assert owed.record()["owed"] == "2"
    assert owed.handle(group="h").status == "ok"
    assert owed.owe("d", group="h") == ["known"]
    assert owed.record()["owed"] == "1"


@pytest.mark.parametrize("act", ["begin", "commit", "bury"])
def test_owe_repeats_nothing(owed: Bus, act: str) -> None:
    """What the group holds or has settled is not owed to it again."""
    owed.tell()
    fence = owed.begin().fence
    if act != "begin":
        getattr(owed, act)("d", fence)
    kept = owed.record(), owed.todo()
    assert owed.owe("d") == ["known"]
    assert (owed.record(), owed.todo()) == kept


def test_owe_knows_only_endings(owed: Bus) -> None:
    """What has not ended, or is unknown, cannot be owed."""
    owed.tell(state="running")
    assert owed.owe("d", "unknown") == ["gone", "gone"]
    assert owed.todo() == {}


@pytest.mark.parametrize("was_there", [True, False])
def test_nothing_is_owed_to_a_group_that_is_not_registered(bus: Bus, was_there: bool) -> None:
    """A group that is not on the list gets neither a queue nor a lease."""
    if was_there:
        bus.add()
        bus.remove()
    bus.tell()
    assert bus.owe("d") == ["unknown"]
    assert bus.begin().status == "done"
    assert bus.touch().status == "unknown"
    assert not bus.client.exists(bus.key("todo", "g"))


def test_a_removed_group_is_dropped(owed: Bus) -> None:
    """After remove, drop settles what the group was owed, each once, and the queue is gone."""
    owed.tell("a")
    owed.tell("b")
    owed.begin("a")
    assert owed.remove().count == 2
    assert owed.ttl("todo", "g") > 0
    assert owed.drop("a", "b", "a", "unknown") == ["ok", "ok", "known", "known"]
    assert not owed.client.exists(owed.key("todo", "g"))
    assert (owed.record("a")["owed"], owed.record("b")["owed"]) == ("0", "0")


def test_dropping_is_not_owing_less(owed: Bus) -> None:
    """What others are owed is counted as before when a group is removed and dropped."""
    owed.add("h")
    owed.tell()
    owed.remove("g")
    owed.drop("d")
    assert owed.record()["owed"] == "1"
    assert owed.handle(group="h").status == "ok"


def test_a_dropped_record_that_began_anew_is_left_alone(owed: Bus) -> None:
    """A queue may outlive a record; the id's next record is not counted down."""
    owed.tell()
    owed.client.delete(owed.key("d", "d"), owed.key("p", "d"))
    owed.tell(state="running")
    owed.remove()
    assert owed.drop("d") == ["gone"]
    assert "owed" not in owed.record()


@pytest.mark.parametrize("act", ["renew", "release"])
def test_a_removed_group_keeps_no_lease(owed: Bus, act: str) -> None:
    """Who handles an ending of a group that was removed has lost it, and brings no queue back."""
    owed.tell()
    fence = owed.begin().fence
    owed.remove()
    assert getattr(owed, act)("d", fence).status == "lost"
    owed.drop("d")
    assert owed.commit("d", fence).status == "lost"
    assert not owed.client.exists(owed.key("todo", "g"))


def test_a_removed_group_that_returns_is_owed_the_rest(owed: Bus) -> None:
    """A group that is added again before it was dropped still has its queue, and keeps it."""
    owed.tell()
    owed.remove()
    assert owed.add().status == "ok"
    assert owed.ttl("todo", "g") == -1
    assert owed.handle().status == "ok"
    assert owed.record()["owed"] == "0"


def test_removing_nobody(bus: Bus) -> None:
    """A group that is not there cannot be removed, and the list stays the same."""
    bus.add("h")
    assert bus.remove("g").status == "unknown"
    assert bus.add("h").status == "known"


def test_the_version_never_returns(bus: Bus) -> None:
    """Each change of the list has a higher version, also on a server that lost everything."""
    versions = [bus.add("a").version, bus.add("b").version, bus.remove("a").version]
    for node in bus.server.nodes:
        node.flushall()
    versions.append(bus.add("c").version)
    assert versions == sorted(set(versions))


def test_a_recreated_place_in_the_log_repeats_nothing(owed: Bus) -> None:
    """A group that reads the log from its start again is told of what it has committed."""
    owed.tell("a")
    owed.tell("b")
    owed.handle("a")
    owed.client.xgroup_create(owed.key("ev"), "g", id="0")
    ((_, found),) = owed.client.xreadgroup("g", "o", {owed.key("ev"): ">"}, noack=True)
    assert [owed.begin(fields[b"k"].decode()).status for _, fields in found] == ["done", "ok"]


def test_a_group_without_consumers_goes_dormant(owed: Bus) -> None:
    """A group that nobody consumes for the retention leaves the list with its queue, and is told how much it lost."""
    for dispatch in "abc":
        owed.tell(dispatch)
    owed.set(verdict=TINY_MS)
    wait_until(lambda: leaves(owed), "a publish finds the group dormant")
    assert owed.touch().status == "unknown"
    assert not owed.client.exists(owed.key("todo", "g"))
    returned = owed.add()
    assert returned.status == "ok"
    assert returned.count >= 3
    owed.remove()
    assert owed.add().count == 0


def leaves(bus: Bus) -> bool:
    """Publish once more, and see whether the queue is gone."""
    bus.tell("x")
    return not bus.todo()


def test_a_consumed_group_does_not_go_dormant(owed: Bus) -> None:
    """A group whose consumers have shown that they live stays on the list, whatever was before."""
    owed.client.hset(owed.key("cfg"), "s:g", 0)
    assert owed.touch().status == "ok"
    owed.tell()
    assert set(owed.todo()) == {"d"}


def test_a_dormant_groups_lease_is_lost(owed: Bus) -> None:
    """Who still held an ending when his group went dormant brings no queue back."""
    owed.tell()
    fence = owed.begin().fence
    owed.client.hset(owed.key("cfg"), "s:g", 0)
    owed.tell("another")
    assert owed.renew("d", fence).status == "lost"
    assert owed.release("d", fence).status == "lost"
    assert owed.begin().status == "done"
    assert not owed.client.exists(owed.key("todo", "g"))


def test_what_a_dormant_group_had_begun_can_be_owed_again(owed: Bus) -> None:
    """An ending that was begun before the group went dormant counts once when it is owed again."""
    owed.tell()
    owed.begin()
    owed.client.hset(owed.key("cfg"), "s:g", 0)
    owed.tell("another")
    owed.add()
    assert owed.owe("d") == ["ok"]
    owed.lapse()
    assert owed.handle().status == "ok"
    assert owed.record()["owed"] == "0"


@pytest.mark.parametrize(
    ("field", "value"), [("gv", "1"), ("g:x", "1"), ("age:log", "abc"), ("age:log", "0"), ("patience", "1e99")]
)
def test_only_ages_are_set(bus: Bus, field: str, value: str) -> None:
    """What is no age, or no time, is refused and changes nothing: every script reads these."""
    request = leasing.set_ages(bus.namespace, {field: value})  # type: ignore[dict-item]
    reply = bus.run(request)
    assert reply.status == "error"
    assert field in reply.message
    assert not bus.client.exists(bus.key("cfg"))


def test_an_unknown_operation_is_an_error(bus: Bus) -> None:
    """A newer client's operation is an error that names it, not a crash."""
    request = leasing.add_group(bus.namespace, "g")
    reply = bus.run(Request("groups", request.keys, ["dance", "g"], request.parse))
    assert (reply.status, reply.message) == ("error", "there is no operation dance")


def test_the_lease_of_another_group_is_not_ours(owed: Bus) -> None:
    """A fence is good for the group that it was given to."""
    owed.add("h")
    owed.tell()
    fence = owed.begin(group="g").fence
    assert owed.commit("d", fence, "h").status == "lost"
    assert owed.begin(group="h", lease_ms=LEASE_MS).status == "ok"
