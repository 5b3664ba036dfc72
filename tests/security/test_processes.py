"""What the command can learn from our process: what the kernel lets whoever may trace it, and that is not the command.

Each attack is also made on a wrapper that was told not to hide (EIGHTBELLS_DUMPABLE=1), where it succeeds.
"""

import pytest

from tests.security.attackers import CONTAINER, NOBODY, ROOT, TRACER, WRAPPER, attack
from tests.security.conftest import SECRET
from tests.servers.server import Server
from tests.wrapper.wrapping import Dispatch

COMMON = pytest.mark.parametrize("who", [NOBODY, ROOT], ids=["nobody", "root"])
SHOWN = {"EIGHTBELLS_DUMPABLE": "1", "EIGHTBELLS_STOP_IF_ENDED": "0"}
Words = tuple[str, ...]


def got(dispatch: Dispatch, who: Words, *words: object, shown: bool = False) -> str:
    """What the attack got hold of in a container."""
    ran = dispatch.run(
        *attack(*map(str, words)), prefix=(*CONTAINER, *who), program=WRAPPER, env=SHOWN if shown else {}
    )
    assert ran.exit_code == 0, ran.stderr
    return ran.stdout.decode(errors="replace")


@COMMON
def test_own_environment(secretive: Dispatch, who: Words) -> None:
    """The command's own environment has none of our variables, and all others."""
    ran = secretive.run("env", prefix=(*CONTAINER, *who), program=WRAPPER, env={"OTHER": "1"})
    assert b"OTHER=1\n" in ran.stdout
    assert b"EIGHTBELLS_" not in ran.stdout
    assert SECRET.encode() not in ran.stdout


@COMMON
def test_environ(secretive: Dispatch, who: Words) -> None:
    """/proc/1/environ, which has the address with its password, is refused."""
    assert got(secretive, who, "read", "environ") == "refused EACCES"
    assert SECRET in got(secretive, who, "read", "environ", shown=True)


@COMMON
@pytest.mark.parametrize("name", ["maps", "smaps", "mem", "auxv", "task/1/environ", "task/1/maps"])
def test_maps(secretive: Dispatch, who: Words, name: str) -> None:
    """Where what is in our memory cannot be asked for either, of no thread."""
    assert got(secretive, who, "read", name).startswith("refused E")
    if name != "mem":  # its first page is not there
        assert not got(secretive, who, "read", name, shown=True).startswith("refused")


@COMMON
def test_memory(secretive: Dispatch, who: Words) -> None:
    """Our memory, where the password is for as long as we run, is refused."""
    assert got(secretive, who, "memory") == "refused EACCES"
    assert SECRET in got(secretive, who, "memory", shown=True)


@COMMON
@pytest.mark.parametrize("name", ["cwd", "root", "exe", "map_files", "fd/1"])
def test_links(secretive: Dispatch, who: Words, name: str) -> None:
    """Our descriptors and directories cannot be followed; root sees how many descriptors there are."""
    assert got(secretive, who, "look", name).startswith("refused E")
    assert not got(secretive, who, "look", name, shown=True).startswith("refused")


@COMMON
def test_trace(secretive: Dispatch, who: Words) -> None:
    """Tracing us is refused."""
    assert got(secretive, who, "trace") == "refused EPERM"
    assert got(secretive, who, "trace", shown=True) == "traced"


@COMMON
def test_stolen_descriptor(dispatch: Dispatch, valkey: Server, who: Words) -> None:
    """Our connection, which has logged in already, cannot be taken over."""
    port = valkey.url.rpartition(":")[2].partition("/")[0]
    assert got(dispatch, who, "steal", port) == "refused EPERM"
    assert got(dispatch, who, "steal", port, shown=True).startswith("stolen")


def test_sys_ptrace(secretive: Dispatch) -> None:
    """Against CAP_SYS_PTRACE nothing of this holds."""
    assert SECRET in got(secretive, TRACER, "read", "environ")
    assert SECRET in got(secretive, TRACER, "memory")
    assert got(secretive, TRACER, "trace") == "traced"
