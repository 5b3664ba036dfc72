"""Who we are to the API: fresh at each request, never nobody, and no hanging plugin's victim."""

import os
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from eightbells.dispatcher.access import AGE_SECONDS, PAUSE_SECONDS
from eightbells.dispatcher.connection import Connection
from eightbells.dispatcher.errors import TooLate, Unavailable

from tests.dispatcher.clock import Clock
from tests.dispatcher.faults import Api, Reply, refusal
from tests.waiting import wait_until

FINE = Reply(200, {})
PLUGIN = """
import json, pathlib, sys
counter = pathlib.Path(sys.argv[1])
number = int(counter.read_text()) + 1
counter.write_text(str(number))
status = {"token": f"token-{number}"}
print(json.dumps({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}))
"""


@pytest.fixture
def counter(tmp_path: Path) -> Path:
    """How often the plugin was run."""
    file = tmp_path / "counter"
    file.write_text("0")
    return file


def plugin(directory: Path, text: str, *arguments: str) -> dict[str, Any]:
    """A user whose credentials a plugin makes."""
    (directory / "plugin.py").write_text(text)
    command = {"command": sys.executable, "args": [str(directory / "plugin.py"), *arguments]}
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never", **command}}


def test_a_token_in_a_file_is_read_again_when_the_file_changes(api: Api, tmp_path: Path) -> None:
    """Whoever rotates a token rewrites the file, and tells nobody."""
    api.tell("GET", FINE)
    (tmp_path / "token").write_text("first")
    connection = Connection.find(str(api.write_kubeconfig(tmp_path / "kubeconfig", tokenFile="token")))
    connection.request("GET", "/")

    (tmp_path / "token").write_text("second")
    os.utime(tmp_path / "token", (1, 1))
    connection.request("GET", "/")

    assert [one.authorization for one in api.asked] == ["Bearer first", "Bearer second"]
    connection.close()


def test_a_kubeconfig_that_changes_is_read_again(api: Api, tmp_path: Path) -> None:
    """Another server, or another user: the next request goes there."""
    api.tell("GET", FINE)
    connection = api.connect(tmp_path / "kubeconfig")
    connection.request("GET", "/")

    api.write_kubeconfig(tmp_path / "kubeconfig", token="another")
    os.utime(tmp_path / "kubeconfig", (1, 1))
    connection.request("GET", "/")

    assert [one.authorization for one in api.asked] == ["Bearer t0ken", "Bearer another"]
    connection.close()


def test_a_refused_token_of_a_plugin_is_replaced_and_the_request_made_once_more(
    api: Api, tmp_path: Path, counter: Path
) -> None:
    """The plugin said no expiry, and the official client would be refused for ever; it is run again, not too often."""
    clock = Clock()
    user = plugin(tmp_path, PLUGIN, str(counter))
    connection = Connection.find(str(api.write_kubeconfig(tmp_path / "kubeconfig", **user)), clock=clock)
    api.tell("GET", FINE)
    connection.request("GET", "/")
    api.tell("GET", refusal(401, "Unauthorized"))

    assert connection.request("GET", "/").status == 401
    assert counter.read_text() == "1", "it was run a moment ago"
    clock.now += PAUSE_SECONDS + 1
    api.tell("GET", refusal(401, "Unauthorized"), FINE)
    assert connection.request("GET", "/").status == 200

    assert [one.authorization for one in api.asked[-2:]] == ["Bearer token-1", "Bearer token-2"]
    connection.close()


def test_everything_is_made_anew_every_hour(api: Api, tmp_path: Path, counter: Path) -> None:
    """A plugin's certificate, and what a CA file links to, tell nobody that they are old."""
    clock = Clock()
    user = plugin(tmp_path, PLUGIN, str(counter))
    connection = Connection.find(str(api.write_kubeconfig(tmp_path / "kubeconfig", **user)), clock=clock)
    api.tell("GET", FINE)
    connection.request("GET", "/")
    clock.now += AGE_SECONDS + 1
    connection.request("GET", "/")

    assert counter.read_text() == "2"
    connection.close()


@pytest.mark.parametrize("user", [{}, {"fails": "import sys; sys.exit('no login')"}, {"fails": "print('{}')"}])
def test_without_credentials_there_is_an_outage_and_no_request(api: Api, tmp_path: Path, user: dict[str, str]) -> None:
    """A plugin that fails is no reason to be somebody else, or nobody."""
    told = plugin(tmp_path, user["fails"]) if user else {}
    connection = Connection.find(str(api.write_kubeconfig(tmp_path / "kubeconfig", **told)))

    for _ in range(2):
        with pytest.raises(Unavailable, match="no credentials"):
            connection.request("GET", "/")

    assert api.asked == []


def test_a_kubeconfig_that_is_not_there_is_named(tmp_path: Path) -> None:
    """What is missing is in the message."""
    with pytest.raises(Unavailable, match="no-such-file"):
        Connection.find(str(tmp_path / "no-such-file")).request("GET", "/")


TOKEN = "hush-hush"
MALFORMED = {
    "no YAML": ("users: [{token: " + TOKEN + "\n  x: : }", "not YAML at line 2"),
    "a list": (f"[{TOKEN}]", "malformed"),
    "a text": (TOKEN, "malformed"),
    "users that are none": (f"{{users: {TOKEN}, contexts: 5, current-context: x}}", "malformed"),
    "nothing": ("", "Invalid kube-config"),
    "no text": (b"\xff\xfe\x00", "malformed"),
}


@pytest.mark.parametrize(("text", "says"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_kubeconfig_is_an_error_that_names_it_and_quotes_nothing(
    tmp_path: Path, text: str | bytes, says: str
) -> None:
    """Whoever mistypes it is told which file, and nobody is told his token."""
    file = tmp_path / "broken"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())

    with pytest.raises(Unavailable, match=f"broken.*{says}") as error:
        Connection.find(str(file)).request("GET", "/")

    assert TOKEN not in str(error.value)


def test_a_user_without_a_home_is_in_a_pod(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """There is no kubeconfig of his, and looking for one is no error."""
    monkeypatch.delenv("HOME")
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 7)

    with pytest.raises(Unavailable, match="this pod"):
        Connection.find().request("GET", "/")


def test_a_file_that_is_just_being_replaced_is_no_error(api: Api, tmp_path: Path) -> None:
    """Between two looks the token's file is gone, and its folder is no folder: the request goes on."""
    api.tell("GET", FINE)
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/token").write_text("first\n")
    connection = Connection.find(str(api.write_kubeconfig(tmp_path / "kubeconfig", tokenFile="secret/token")))
    connection.request("GET", "/")
    (tmp_path / "secret/token").unlink()
    (tmp_path / "secret").rmdir()
    (tmp_path / "secret").write_text("")

    with pytest.raises(Unavailable, match="secret/token"):
        connection.request("GET", "/")

    assert api.asked[0].authorization == "Bearer first"
    connection.close()


HANGS = """
import pathlib, sys, time
pathlib.Path(sys.argv[1]).write_text("1")
while not pathlib.Path(sys.argv[1] + ".go").exists():
    time.sleep(0.01)
print('{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "late"}}')
"""


def test_a_plugin_that_hangs_costs_a_limited_time_and_holds_up_nobody_else(
    api: Api, tmp_path: Path, counter: Path
) -> None:
    """All who wait are told what hangs, it is not started a second time, and closing waits for nobody."""
    api.tell("GET", FINE)
    config = api.write_kubeconfig(tmp_path / "kubeconfig", **plugin(tmp_path, HANGS, str(counter)))
    connection = Connection.find(str(config), plugin_seconds=0.5)
    errors: list[str] = []

    def ask() -> None:
        with pytest.raises(Unavailable) as error:
            connection.request("GET", "/")
        errors.append(str(error.value))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    wait_until(lambda: counter.read_text() == "1", "the plugin has been started")
    connection.close()
    for thread in threads:
        thread.join()
    asked = len(api.asked)
    (tmp_path / "counter.go").touch()
    wait_until(lambda: answers(connection), "it has answered after all")

    assert (asked, len(errors)) == (0, 3)
    assert all("kubeconfig has yielded no credentials for 0.5 seconds: see what the plugin" in one for one in errors)
    assert api.asked[-1].authorization == "Bearer late"
    connection.close()


def answers(connection: Connection) -> bool:
    try:
        return connection.request("GET", "/").status == 200
    except Unavailable:
        return False


def test_a_request_is_not_sent_again_after_its_time(api: Api, tmp_path: Path, counter: Path) -> None:
    """Its credentials were refused, there are new ones, and meanwhile its time has passed."""
    clock = Clock()
    user = plugin(tmp_path, PLUGIN, str(counter))
    connection = Connection.find(str(api.write_kubeconfig(tmp_path / "kubeconfig", **user)), clock=clock)
    api.tell("GET", FINE)
    connection.request("GET", "/")
    clock.now += PAUSE_SECONDS + 1
    until = clock.now + 1
    api.tell("POST", refusal(401, "Unauthorized")._replace(then=lambda: setattr(clock, "now", until)))

    with pytest.raises(TooLate):
        connection.request("POST", "/jobs", body={}, until=until)

    assert (api.count("POST"), counter.read_text()) == (1, "2")
    connection.close()
