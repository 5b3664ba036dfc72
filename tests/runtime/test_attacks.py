"""docs/security.md in containers of a real engine: its seccomp filter, its capabilities, the runtime as it ships.

`tests/security` tries every row in namespaces made by hand; these are the rows in which an engine could differ.
"""

import os
import signal
from pathlib import Path

import pytest

from tests.runtime.conftest import give_up
from tests.runtime.containers import BARE, BESIDE, docker, reason_against, run, running, told
from tests.runtime.roots import LAUNCHER
from tests.security.conftest import SECRET
from tests.servers.server import Server
from tests.waiting import wait_until
from tests.wrapper.wrapping import Dispatch

IMAGE = os.environ.get("EIGHTBELLS_TEST_PYTHON_IMAGE", "")
NOBODY, ROOT = BARE, ()
"""A random user with `drop ALL`, no privilege escalation and a read-only root; and what an engine gives by default."""

SHOWN = {"EIGHTBELLS_DUMPABLE": "1"}
ATTACKS = Path(__file__).parents[1] / "security/attacks.py"
CLOSED = (
    *(f"read {name}" for name in ("environ", "maps", "smaps", "auxv", "task/1/environ")),
    *(f"look {name}" for name in ("cwd", "root", "exe", "map_files", "fd/1")),
    "memory",
    "trace",
)
NEXT = "-- next --"
COMMON = pytest.mark.parametrize("who", [NOBODY, ROOT], ids=["nobody", "root"])
Words = tuple[str, ...]


class Attacked:
    """Starts containers of an image with a Python, whose wrapper reports with a password that the command is after."""

    def __init__(self, dispatch: Dispatch, server: Server, runtime: Path) -> None:
        self.port = server.url.rpartition(":")[2].partition("/")[0]
        self.variables = {
            "EIGHTBELLS_DISPATCH_ID": dispatch.name,
            "EIGHTBELLS_URL": server.url.replace("//", f"//captain:{SECRET}@"),
            "EIGHTBELLS_STOP_IF_ENDED": "0",
        }
        self._mounts = [f"--volume={runtime}:/eightbells:ro", f"--volume={ATTACKS}:/attacks.py:ro"]

    def words(self, who: Words, *command: str, **more: str) -> list[str]:
        """The words after `docker run` for a command of this one's."""
        variables = told({**self.variables, **more})
        return [*who, BESIDE, *variables, *self._mounts, f"--entrypoint={LAUNCHER}", IMAGE, "--", *command]

    def attack(self, who: Words, *attacks: str, **more: str) -> list[str]:
        """What each of these attacks got hold of, one after the other in one container."""
        script = f'for words; do python3 /attacks.py $words && echo "{NEXT}" || exit; done'
        ran = run(*self.words(who, "sh", "-c", script, "sh", *attacks, WRAPPER="1", **more))
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.decode(errors="replace").split(f"{NEXT}\n")[:-1]


@pytest.fixture
def attacked(dispatch: Dispatch, valkey: Server, runtime: Path) -> Attacked:
    """An engine, an image, and a server that knows the user of the address."""
    reason = reason_against() or (
        "" if IMAGE else "no EIGHTBELLS_TEST_PYTHON_IMAGE: run with tests/servers/ci_engine.sh"
    )
    if reason:
        give_up(reason)
    valkey.client().acl_setuser("captain", enabled=True, passwords=[f"+{SECRET}"], keys=["*"], commands=["+@all"])
    return Attacked(dispatch, valkey, runtime)


@COMMON
def test_the_engines_filter_is_in_force(attacked: Attacked, who: Words) -> None:
    """The command is confined by the engine's default seccomp profile, with the capabilities that are spoken of."""
    status = run(*attacked.words(who, "python3", "-c", "print(open('/proc/self/status').read())")).stdout.decode()
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert fields["Seccomp"] == "2"
    assert bool(int(fields["CapEff"], 16)) == (who == ROOT)


@COMMON
def test_the_wrapper_is_closed(attacked: Attacked, who: Words) -> None:
    """What the page says is refused is refused, and is not where we do not hide."""
    refused = [got for got in attacked.attack(who, *CLOSED) if got.startswith("refused E")]
    assert len(refused) == len(CLOSED)
    got = dict(zip(CLOSED, attacked.attack(who, *CLOSED, **SHOWN), strict=True))
    assert [attack for attack, found in got.items() if found.startswith("refused")] == []
    assert SECRET in got["read environ"]
    assert SECRET in got["memory"]


@COMMON
def test_nothing_of_ours_is_handed_over(attacked: Attacked, who: Words) -> None:
    """Neither a variable nor a descriptor."""
    ran = run(*attacked.words(who, "sh", "-c", "export -p; exec python3 /attacks.py descriptors"))
    assert b"HOSTNAME=" in ran.stdout
    assert b"EIGHTBELLS_" not in ran.stdout
    assert SECRET.encode() not in ran.stdout
    assert b"pipe:" not in ran.stdout
    assert b"socket:" not in ran.stdout


@COMMON
def test_the_connection_stays_ours(attacked: Attacked, who: Words) -> None:
    """One that has logged in cannot be taken over: by the engine's filter not even where we do not hide."""
    assert attacked.attack(who, f"steal {attacked.port}") == ["refused EPERM"]
    assert attacked.attack(who, f"steal {attacked.port}", **SHOWN) == ["refused EPERM"]


def test_who_may_listen(attacked: Attacked) -> None:
    """Nobody without NET_RAW, which root has by default, and with it the password as we log in."""
    listen = f"sniff {attacked.port}"
    assert attacked.attack(NOBODY, listen) == attacked.attack(("--cap-drop=NET_RAW",), listen) == ["refused EPERM"]
    again_and_again = attacked.variables["EIGHTBELLS_URL"].replace("captain", "stranger")
    assert SECRET in attacked.attack(ROOT, listen, EIGHTBELLS_URL=again_and_again)[0]


def test_sys_ptrace_opens_all(attacked: Attacked) -> None:
    """Against it nothing holds, also under the engine's filter."""
    environ, memory, trace = attacked.attack(("--cap-add=SYS_PTRACE",), "read environ", "memory", "trace")
    assert SECRET in environ
    assert SECRET in memory
    assert trace == "traced"


@COMMON
def test_pid_1_survives_its_command(attacked: Attacked, who: Words, dispatch: Dispatch) -> None:
    """The kernel spares the container's first process what comes from inside; its files cannot be changed."""
    sent, changed = attacked.attack(
        who, f"signal {int(signal.SIGKILL)} {int(signal.SIGSTOP)}", f"append {LAUNCHER} evil"
    )
    assert (sent, changed) == ("sent", "refused EROFS" if who == ROOT else "refused EACCES")
    assert dispatch.states == ["running", "completed"]


def test_who_may_sacrifice_us(attacked: Attacked) -> None:
    """The kernel's choice when memory is short is root's to make, and nobody else's."""
    assert attacked.attack(NOBODY, "sacrifice") == ["refused EACCES"]
    assert attacked.attack(ROOT, "sacrifice") == ["1000\n"]


@COMMON
def test_a_command_can_starve_us(attacked: Attacked, who: Words, tmp_path: Path) -> None:
    """That ends the container with 137, and the provisional record stays in the termination message."""
    log = tmp_path / "log"
    log.touch()
    log.chmod(0o666)
    exhaust = 'until read line < /dev/termination-log; [ "$line" ]; do :; done; exec python3 /attacks.py exhaust'
    words = attacked.words((*who, f"--volume={log}:/dev/termination-log"), "sh", "-c", exhaust)
    assert run(*words).returncode == 137
    assert b'"state":"running"' in log.read_bytes()


@COMMON
def test_a_probe_by_exec_shows_it(attacked: Attacked, who: Words) -> None:
    """What `docker exec` starts has the container's variables, and hides them from nobody who has its rights."""
    with running(*attacked.words(who, "python3", "/attacks.py", "neighbour")) as container:
        wait_until(lambda: "attacks.py" in docker("top", container, "-eo", "pid,args"), "the attack is on")
        docker("exec", "--detach", container, "python3", "-c", "import time; time.sleep(60)")
        wait_until(lambda: SECRET in docker("logs", container), "it has seen the address")
