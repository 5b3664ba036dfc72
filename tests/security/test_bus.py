"""What the command can do on the bus: read our password on its way there, and speak for others."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from eightbells.events.contract import keys

from tests.security.attackers import BARE_ROOT, CONTAINER, NOBODY, ROOT, WRAPPER, attack
from tests.security.attacks import ENOUGH
from tests.security.conftest import SECRET
from tests.servers.server import Server
from tests.waiting import wait_until
from tests.wrapper.certificates import Authority
from tests.wrapper.secured import REASON as NO_TLS
from tests.wrapper.secured import Secured
from tests.wrapper.wrapping import NAMESPACE, Dispatch, children

COMMON = pytest.mark.parametrize("who", [NOBODY, ROOT], ids=["nobody", "root"])
TENANT = "tenant"
KEYS = f"{{eb:{TENANT}}}:*"
RIGHTS = ["+@all", "-@dangerous", "-@admin"]
VICTIM = "victim"
Words = tuple[str, ...]


def port_of(server: Server) -> str:
    return server.url.rpartition(":")[2].partition("/")[0]


@pytest.mark.parametrize("who", [NOBODY, BARE_ROOT], ids=["nobody", "root without capabilities"])
def test_sniffing_without_net_raw(secretive: Dispatch, valkey: Server, who: Words) -> None:
    """With `drop ALL` nobody listens to packets."""
    ran = secretive.run(*attack("sniff", port_of(valkey)), prefix=(*CONTAINER, *who), program=WRAPPER)
    assert ran.stdout == b"refused EPERM"


def test_sniffing_with_net_raw(secretive: Dispatch, valkey: Server) -> None:
    """Root with the capabilities that a container has by default reads the password as we log in."""
    ran = secretive.run(*attack("sniff", port_of(valkey)), prefix=(*CONTAINER, *ROOT), program=WRAPPER)
    assert SECRET.encode() in ran.stdout


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[Secured]:
    """A server that is spoken to over TLS."""
    server = Secured(Authority(tmp_path / "authority"), asks_clients=False)
    server.start()
    yield server
    server.remove()


@pytest.mark.skipif(NO_TLS is not None, reason=str(NO_TLS))
def test_sniffing_of_tls(secretive: Dispatch, secured: Secured) -> None:
    """Over TLS the same root hears several logins and no password."""
    told = {
        "EIGHTBELLS_URL": f"rediss://x:{SECRET}@localhost:{secured.tls_port}",
        "EIGHTBELLS_TLS_CA": str(secured.authority.ca),
        "EIGHTBELLS_PUBLISH_TIMEOUT": "15s",  # a third of it is for a login, however busy the machine
    }
    ran = secretive.run(*attack("sniff", secured.tls_port), prefix=(*CONTAINER, *ROOT), program=WRAPPER, env=told)
    assert len(ran.stdout) >= ENOUGH
    assert SECRET.encode() not in ran.stdout
    assert b"WRONGPASS" in ran.stderr


@COMMON
def test_environment_of_a_probe(secretive: Dispatch, who: Words) -> None:
    """A probe or hook by `exec` has the container's environment and does not hide it, from whoever has its rights."""
    process = secretive.start(*attack("neighbour"), prefix=(*CONTAINER, *who), program=WRAPPER)
    (first,) = wait_until(lambda: children(process.pid), "the container has its first process")
    secretive.start("sleep", "60", prefix=("nsenter", "--target", str(first), "--mount", "--pid", *who), program=())
    assert SECRET.encode() in process.finish().stdout


@pytest.fixture
def admin(dispatch: Dispatch, valkey: Server) -> Iterator[redis.Redis]:
    """Who may everything on a server that now demands a password, or that of a tenant with a namespace of its own."""
    assert dispatch.states == []  # so that its connection is an old one
    client = valkey.client()
    client.config_set("requirepass", SECRET)
    client.acl_setuser(TENANT, enabled=True, passwords=[f"+{SECRET}"], keys=[KEYS], categories=RIGHTS)
    dispatch.environment["EIGHTBELLS_URL"] = valkey.url.replace("//", f"//:{SECRET}@")
    yield client
    client.config_set("requirepass", "")


def ends_another(dispatch: Dispatch, admin: redis.Redis, login: str, namespace: str) -> bool:
    """Whether a command that reports on another dispatch, logging in like this, ends that one."""
    told = {
        "EIGHTBELLS_URL": dispatch.environment["EIGHTBELLS_URL"].replace(f":{SECRET}@", login),
        "EIGHTBELLS_DISPATCH_ID": VICTIM,
        "EIGHTBELLS_NAMESPACE": namespace,
        "EIGHTBELLS_PUBLISH_TIMEOUT": "2s",
    }
    forging = ["env", *(f"{name}={value}" for name, value in told.items()), *WRAPPER, "true"]
    assert dispatch.run(*forging, prefix=(*CONTAINER, *NOBODY), program=WRAPPER).exit_code == 0
    assert dispatch.ending.code == "exited_zero"
    return bool(admin.exists(keys.record(namespace, VICTIM)))


def test_event_without_password(dispatch: Dispatch, admin: redis.Redis) -> None:
    """Who knows where the bus is and not its password cannot end another dispatch."""
    assert not ends_another(dispatch, admin, "", NAMESPACE)


def test_event_with_password(dispatch: Dispatch, admin: redis.Redis) -> None:
    """Who has the bus's password can end any other dispatch on it."""
    assert ends_another(dispatch, admin, f":{SECRET}@", NAMESPACE)


def test_event_for_another_namespace(dispatch: Dispatch, admin: redis.Redis) -> None:
    """A user whose keys are those of one namespace can end another dispatch in there, and none elsewhere."""
    assert not ends_another(dispatch, admin, f"{TENANT}:{SECRET}@", NAMESPACE)
    dispatch.environment["EIGHTBELLS_DISPATCH_ID"] += "-2"
    assert ends_another(dispatch, admin, f"{TENANT}:{SECRET}@", TENANT)
