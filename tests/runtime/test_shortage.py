"""In containers of a real engine that have a limit of memory: what is left of a command, or of all, that went beyond.

The engine's cgroups here are of version 1, where the kernel kills one process. That it kills all of them, as the
kubelet has it do with version 2, is done by the test.
"""

import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest
from eightbells.events.schema import Data
from msgspec.json import decode

from tests.runtime.containers import BARE, BESIDE, docker, run, running, told
from tests.servers.server import Server
from tests.waiting import wait_until
from tests.wrapper.wrapping import Dispatch

LIMIT = ("--memory=64m", "--memory-swap=64m")
HOG = "/busybox dd if=/dev/zero of=/dev/null bs=256M count=1"
SHELL = ("/busybox", "sh", "-c")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """The termination message as the kubelet makes it: there, empty, writable to everybody."""
    path = tmp_path / "termination-log"
    path.touch()
    path.chmod(0o666)
    return path


@pytest.fixture
def limited(dispatch: Dispatch, valkey: Server, image: str, log: Path) -> list[str]:
    """The words that run a command in a container of 64 MiB that has a bus, a heartbeat and a termination message."""
    variables = {**dispatch.environment, "EIGHTBELLS_URL": valkey.url, "EIGHTBELLS_HEARTBEAT": "50ms"}
    return [*BARE, BESIDE, *LIMIT, *told(variables), f"--volume={log}:/dev/termination-log", image]


def test_a_command_killed_at_the_containers_limit(dispatch: Dispatch, limited: list[str], log: Path) -> None:
    """It is oom_killed from the wrapper, with 137, the limit and the output's tail, on the bus and in the message."""
    ran = run(*limited, *SHELL, f"echo loading; exec {HOG}")
    assert (ran.returncode, ran.stdout) == (137, b"loading\n")
    for found in (dispatch.ending, decode(log.read_bytes(), type=Data)):
        assert (found.reporter, found.state, found.code) == ("wrapper", "failed", "oom_killed")
        assert (found.exit_code, found.signal) == (137, "SIGKILL")
        assert "its limit is 64 MiB" in (found.message or "")
        assert found.stdout is not None
        assert found.stdout.tail == "loading\n"


def test_a_command_that_went_on_is_warned(dispatch: Dispatch, limited: list[str]) -> None:
    """A success stays one; the warning says that the kernel killed something beside it."""
    ran = run(*limited, *SHELL, f"{HOG}; echo went on")
    assert (ran.returncode, ran.stdout) == (0, b"went on\n")
    assert (dispatch.ending.code, dispatch.ending.exit_code) == ("exited_zero", 0)
    (warning,) = dispatch.ending.warnings
    assert warning == "out of memory: the kernel killed 1 of the container's processes (its limit is 64 MiB)"


def test_all_of_a_container_killed_at_once(dispatch: Dispatch, limited: list[str], log: Path) -> None:
    """Nothing is said on the bus; the provisional record has the run, the output's tail and the memory in use."""
    with running(*limited, *SHELL, "echo epoch 7; /busybox sleep 60 & /busybox sleep 60") as container:
        run_name = dispatch.wait_for("running").run
        wait_until(lambda: b"epoch 7" in log.read_bytes(), "the record has the output")
        everybody = [int(pid) for pid in docker("top", container, "-eo", "pid").splitlines()[1:]]
        for pid in everybody:
            with suppress(ProcessLookupError):  # the first process takes the others with it
                os.kill(pid, signal.SIGKILL)
        assert docker("wait", container) == "137"
    found = decode(log.read_bytes(), type=Data)
    assert len(everybody) > 2
    assert dispatch.states == ["running"]
    assert (found.state, found.code, found.exit_code, found.run) == ("running", None, None, run_name)
    assert (found.explanation or "").endswith(" of 64 MiB of memory")
    assert found.stdout is not None
    assert found.stdout.tail == "epoch 7\n"
