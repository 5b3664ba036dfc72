"""What the command can do to files that we read or write, or that somebody reads after us."""

import json
import os
from pathlib import Path

import pytest
from eightbells.events.contract import keys
from eightbells.events.schema import Data
from msgspec.json import decode

from tests.security.attackers import CONTAINER, NOBODY, ROOT, WRAPPER, attack
from tests.security.conftest import SECRET
from tests.security.runtimes import Runtime
from tests.servers.server import Server
from tests.wrapper.wrapping import NAMESPACE, Dispatch

COMMON = pytest.mark.parametrize("who", [NOBODY, ROOT], ids=["nobody", "root"])
Words = tuple[str, ...]
EVIL = "\nimport posix; posix.write(1, posix.environ[b'EIGHTBELLS_URL'])\n"


@pytest.mark.parametrize("who", [NOBODY, ROOT], ids=["nobody", "root"])
def test_runtime_mounted_read_only(secretive: Dispatch, runtime: Runtime, who: Words) -> None:
    """Mounted read-only, the directory that we run from cannot be changed, whoever its files belong to."""
    ran = secretive.run(
        *attack("append", runtime.file, EVIL), prefix=(*runtime.read_only, *who), program=runtime.program
    )
    assert ran.stdout == b"refused EROFS"


def test_runtime_of_another_user(secretive: Dispatch, runtime: Runtime) -> None:
    """Baked into the image as root's, it cannot be changed by a user without rights, on a writable file system."""
    os.chown(runtime.file, 0, 0)
    ran = secretive.run(*attack("append", runtime.file, EVIL), prefix=(*CONTAINER, *NOBODY), program=runtime.program)
    assert ran.stdout == b"refused EACCES"


@COMMON
def test_runtime_mounted_writable(secretive: Dispatch, runtime: Runtime, who: Words) -> None:
    """Writable to the command, it is not ours any more: the next start runs the command's code with our credentials."""

    def run(*command: str) -> bytes:
        return secretive.run(*command, prefix=(*CONTAINER, *who), program=runtime.program).stdout

    assert run(*attack("append", runtime.file, EVIL)) == b"changed"
    assert SECRET.encode() in run("true")


@pytest.fixture
def mounted(secretive: Dispatch, shared: Path) -> Path:
    """The address in a file of root's, as a Secret is mounted."""
    path = shared / "url"
    path.write_text(secretive.environment.pop("EIGHTBELLS_URL") + "\n")
    secretive.environment["EIGHTBELLS_URL_FILE"] = str(path)
    return path


@COMMON
def test_mounted_secret(secretive: Dispatch, mounted: Path, who: Words) -> None:
    """The command reads the file, as we did, and stderr says so."""
    mounted.chmod(0o444)
    ran = secretive.run("cat", str(mounted), prefix=(*CONTAINER, *who), program=WRAPPER)
    assert SECRET.encode() in ran.stdout
    assert f"the command can read {mounted} (EIGHTBELLS_URL_FILE)".encode() in ran.stderr


def test_mounted_secret_of_another_user(secretive: Dispatch, mounted: Path) -> None:
    """A command that gives up root's rights before it does anything else cannot read what is root's alone."""
    mounted.chmod(0o400)
    ran = secretive.run(*NOBODY, "cat", str(mounted), prefix=(*CONTAINER, *ROOT), program=WRAPPER)
    assert (ran.exit_code, ran.stdout) == (1, b"")
    assert b"Permission denied" in ran.stderr


def record(log: Path) -> Data:
    return decode(log.read_bytes(), type=Data)


def forged(dispatch: str) -> str:
    """A record as the wrapper writes it, of a success."""
    return json.dumps({"code": "exited_zero", "dispatch_id": dispatch, "state": "completed", "exit_code": 0})


@COMMON
def test_forged_message_for_another(dispatch: Dispatch, valkey: Server, log: Path, who: Words) -> None:
    """A record of another dispatch that the command leaves there is quoted as its own words and no more."""
    script = f"printf %s '{forged('another')}' > {log}; exit 7"
    assert dispatch.run("sh", "-c", script, prefix=(*CONTAINER, *who), program=WRAPPER).exit_code == 7
    for found in (record(log), dispatch.ending):
        assert (found.dispatch_id, found.code, found.message) == (dispatch.name, "exit_nonzero", forged("another"))
    assert not valkey.client().exists(keys.record(NAMESPACE, "another"))


@COMMON
def test_forged_message_for_itself(dispatch: Dispatch, log: Path, who: Words) -> None:
    """What the command leaves behind may write into the file after us, as long as the bus does not answer."""
    script = f"until grep -q failed {log}; do :; done; printf %s '{forged('itself')}' > {log}"
    nobody = {"EIGHTBELLS_URL": "redis://127.0.0.1:1/0", "EIGHTBELLS_PUBLISH_TIMEOUT": "2s"}
    words = ("sh", "-c", 'setsid sh -c "$0" > /dev/null 2>&1 & exit 7', script)
    assert dispatch.run(*words, prefix=(*CONTAINER, *who), program=WRAPPER, env=nobody).exit_code == 7
    assert log.read_text() == forged("itself")
