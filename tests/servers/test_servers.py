"""The servers that tests are lent: each is what it says, keeps what it was told, and is as new for the next test."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from tests.servers.leaks import must_expire
from tests.servers.processes import is_alive
from tests.servers.server import Server
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]

LEAVES_A_KEY = "valkey.client().set('{eb:left}:hb:job-1', 1)"


def run_suite(directory: Path, test: str, **environment: str) -> str:
    """What pytest says of one test with these fixtures, run in a process of its own."""
    (directory / "test_it.py").write_text(test)
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "tests.servers.fixtures"),
            *("-p", "no:cacheprovider"),
            "-ra",
            directory,
        ],
        cwd=ROOT,
        env={**without_ci(), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=25,
    )
    return ran.stdout


def without_ci() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "CI"}


def test_each_kind_is_a_server_of_its_own_new_enough(server: Server) -> None:
    """Every node of every kind takes commands and is of the version the bus asks for."""
    for node in server.nodes:
        found = node.info("server")
        assert node.info("cluster")["cluster_enabled"] == server.is_cluster
        assert tuple(map(int, found["redis_version"].split(".")))[:2] >= (7, 0)


def test_what_was_acknowledged_is_there_after_a_kill_and_after_a_restart(server: Server) -> None:
    """A killed or restarted server comes back at the same URL when it has loaded its data, all of it."""
    url = server.url
    server.client().eval("for i = 1, 100000 do redis.call('RPUSH', KEYS[1], i) end", 1, "written")
    server.kill()
    assert not server.is_running()
    server.start()
    assert server.client().llen("written") == 100_000
    server.restart()
    assert server.client().llen("written") == 100_000
    assert server.url == url


async def test_coroutines_reach_every_kind(server: Server) -> None:
    """The asynchronous client talks to the same server."""
    server.client().set("written", "here")
    async with server.async_client() as client:
        assert await client.get("written") == b"here"


def test_a_reset_undoes_what_a_test_did(server: Server) -> None:
    """No key, user, script or setting of one test is there for the next, though it killed the server."""
    digest = server.nodes[0].script_load("return 1")
    server.nodes[0].acl_setuser("somebody", enabled=True, nopass=True)
    server.client().set("left", "behind")
    server.config_set("maxmemory", "100mb")
    server.reset()
    assert server.client().get("left") is None
    for node in server.nodes:
        assert [str(user) for user in node.acl_users()] == ["default"]
        assert node.script_exists(digest) == [False]
        assert node.config_get("maxmemory") == {"maxmemory": "0"}
    server.kill()
    server.reset()
    assert server.client().get("left") is None


def test_the_next_test_gets_the_server_as_new(tmp_path: Path) -> None:
    """Of two tests, neither sees what the other wrote."""
    body = "(valkey): assert valkey.client().set('written', 'here', get=True) is None"
    assert "2 passed" in run_suite(tmp_path, f"def test_one{body}\ndef test_two{body}")


def test_the_cluster_refuses_keys_of_two_slots(server: Server) -> None:
    """On the cluster, and only there, one command cannot touch two slots."""
    node = server.nodes[0]
    if server.is_cluster:
        with pytest.raises(redis.ResponseError, match="hash to the same slot"):
            node.mset({"{a}": 1, "{b}": 2})
    else:
        assert node.mset({"{a}": 1, "{b}": 2})


@pytest.mark.parametrize(
    ("key", "expires"),
    [
        *[(f"{{eb:ns}}:{kind}", False) for kind in ("cfg", "ev", "todo:group")],
        *[
            (f"{{eb:ns}}:{kind}", True)
            for kind in ("d:1", "p:1", "done", "open:", "open:x", "dlq:group", "hb:1", "out:1")
        ],
        ("{eb:ns}:a-kind-of-tomorrow:1", True),
        ("{eb:ns}:cfgs", True),
        ("somebody:else's", False),
    ],
)
def test_every_kind_of_key_but_three_has_an_age(key: str, expires: bool) -> None:
    """Configuration, log and queues stay; what is not of a bus is nobody's business."""
    assert must_expire(key) is expires


def test_a_test_that_leaves_a_key_for_ever_fails_and_names_it(tmp_path: Path) -> None:
    """A key without the age it should have is an error, whatever the test itself says."""
    said = run_suite(tmp_path, f"def test_it(valkey): {LEAVES_A_KEY}")
    assert "keys that should expire and never will: {eb:left}:hb:job-1" in said
    assert "1 passed, 1 error" in said


def test_a_test_may_leave_keys_when_it_says_why(tmp_path: Path) -> None:
    """The marker with a reason is the way out."""
    marker = "import pytest\n@pytest.mark.leaves_keys('it shows one')\n"
    assert "1 passed in" in run_suite(tmp_path, f"{marker}def test_it(valkey): {LEAVES_A_KEY}")


def test_a_test_may_not_leave_keys_without_saying_why(tmp_path: Path) -> None:
    """The marker without a reason is an error."""
    marker = "import pytest\n@pytest.mark.leaves_keys\n"
    said = run_suite(tmp_path, f"{marker}def test_it(valkey): {LEAVES_A_KEY}")
    assert "leaves_keys needs a reason" in said


# Without the cluster, which takes long to start and is always to be had.
ASKING_FOR_EACH = "def test_it(server): server.client().ping()"
BUT_A_CLUSTER = "-k 'not cluster'"


def test_a_kind_that_cannot_be_had_is_skipped_with_its_reason(tmp_path: Path) -> None:
    """On a reader's machine a missing server costs a line each, and the others run."""
    nowhere = {"PATH": str(tmp_path), "DOCKER_HOST": f"unix://{tmp_path}/none", "PYTEST_ADDOPTS": BUT_A_CLUSTER}
    said = run_suite(tmp_path, ASKING_FOR_EACH, **nowhere)
    assert "debian-redis: no redis-server on PATH" in said
    assert "container: no Docker engine answers" in said
    assert "1 passed, 2 skipped, 1 deselected" in said


def test_a_kind_that_cannot_be_had_is_a_failure_in_ci(tmp_path: Path) -> None:
    """Where all kinds are promised, none is passed over in silence."""
    nowhere = {"PATH": str(tmp_path), "DOCKER_HOST": f"unix://{tmp_path}/none", "PYTEST_ADDOPTS": BUT_A_CLUSTER}
    assert "1 passed, 1 deselected, 2 errors" in run_suite(tmp_path, ASKING_FOR_EACH, **nowhere, CI="true")


def test_a_suite_leaves_no_process_and_no_file(tmp_path: Path) -> None:
    """Servers, with their directories, are gone when the worker is."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    test = f"def test_it(valkey): open('{tmp_path}/pid', 'w').write(str(valkey.pid))"
    assert "1 passed" in run_suite(tmp_path, test, TMPDIR=str(temporary))
    assert not is_alive(int((tmp_path / "pid").read_text()))
    assert list(temporary.iterdir()) == []


def test_a_worker_that_is_killed_takes_its_server_along(tmp_path: Path) -> None:
    """Not even SIGKILL leaves a server running."""
    kill = "import os, signal\n    os.kill(os.getpid(), signal.SIGKILL)"
    test = f"def test_it(valkey):\n    open('{tmp_path}/pid', 'w').write(str(valkey.pid))\n    {kill}"
    run_suite(tmp_path, test, TMPDIR=str(tmp_path))
    wait_until(lambda: not is_alive(int((tmp_path / "pid").read_text())), "the server is gone")
