"""The way to the cluster: fresh credentials at each request, typed errors, and nobody who waits for a plugin."""

import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from eightbells.reconciler.informer import errors
from eightbells.reconciler.informer.access import AGE_SECONDS, PAUSE_SECONDS
from eightbells.reconciler.informer.connection import Connection, seconds_of

from tests.dispatcher.faults import RESET, Api, Reply, refusal

FINE = Reply(200, {"kind": "JobList"})

COUNTING = """
import json, pathlib, sys
counter = pathlib.Path(sys.argv[1])
number = int(counter.read_text()) + 1
counter.write_text(str(number))
status = {"token": f"token-{number}"}
print(json.dumps({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}))
"""

HANGING = "import pathlib, sys, time\nwhile not pathlib.Path(sys.argv[1]).exists(): time.sleep(0.01)"


class Clock:
    """A clock that a test sets."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def plugin(directory: Path, text: str, *arguments: str) -> dict[str, Any]:
    """A user whose credentials a plugin makes."""
    (directory / "plugin.py").write_text(text)
    command = {"command": sys.executable, "args": [str(directory / "plugin.py"), *arguments]}
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never", **command}}


def connect(api: Api, directory: Path, user: dict[str, Any] | None = None, **options: Any) -> Connection:
    """A connection by a kubeconfig for that user."""
    told = {"token": "t0ken"} if user is None else user
    return Connection.find(str(api.write_kubeconfig(directory / "kubeconfig", **told)), **options)


def authorizations(api: Api) -> list[str | None]:
    return [one.authorization for one in api.asked]


def test_an_answer_comes_with_its_parameters_and_credentials(api: Api, tmp_path: Path) -> None:
    """What is asked for is what was said, by who the kubeconfig says."""
    api.tell("GET", FINE)
    connection = connect(api, tmp_path)

    body = connection.get("/apis/batch/v1/jobs", {"limit": "500", "labelSelector": "eightbells.io/dispatch"})

    assert body == b'{"kind": "JobList"}'
    assert api.asked[0].path == "/apis/batch/v1/jobs?limit=500&labelSelector=eightbells.io%2Fdispatch"
    assert authorizations(api) == ["Bearer t0ken"]
    connection.close()


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, errors.Unauthorized),
        (403, errors.Forbidden),
        (404, errors.NotFound),
        (410, errors.Expired),
        (418, errors.Refused),
        (307, errors.Refused),
        (429, errors.Unavailable),
        (500, errors.Unavailable),
        (503, errors.Unavailable),
    ],
)
def test_an_error_is_a_typed_one_in_the_words_of_the_api(
    api: Api, tmp_path: Path, status: int, error: type[errors.ClusterError]
) -> None:
    """Each kind is another thing to do; a redirect is not followed."""
    api.tell("GET", refusal(status, "because of the tide", Retry_After="7", Location=f"{api.url}/elsewhere"))
    connection = connect(api, tmp_path)

    with pytest.raises(error, match=f"GET /x: {status} because of the tide") as raised:
        connection.get("/x")

    assert type(raised.value) is error
    assert raised.value.retry_after == 7
    assert len(api.asked) == 1
    connection.close()


def test_a_lost_answer_is_an_outage_and_is_not_asked_for_again(api: Api, tmp_path: Path) -> None:
    """Whoever asked decides what its loss means."""
    api.tell("GET", RESET)
    connection = connect(api, tmp_path)

    with pytest.raises(errors.Unavailable, match="does not answer"):
        connection.get("/x")

    assert len(api.asked) == 1
    connection.close()


def test_a_change_is_sent_once_in_its_kind_of_json(api: Api, tmp_path: Path) -> None:
    """A patch says what kind it is; what became of a lost one nobody knows."""
    api.tell("PATCH", FINE, RESET)
    connection = connect(api, tmp_path)

    connection.change("PATCH", "/pods/x", {"metadata": {}}, "strategic-merge-patch+json")
    with pytest.raises(errors.Unavailable):
        connection.change("PATCH", "/pods/x", {"metadata": {}})

    assert [(one.path, one.body) for one in api.asked] == [("/pods/x", {"metadata": {}})] * 2
    connection.close()


def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Its address is in the message."""
    nowhere = Api()
    nowhere.url = "http://127.0.0.1:1"

    with pytest.raises(errors.Unavailable, match=r"http://127\.0\.0\.1:1 does not answer"):
        connect(nowhere, tmp_path).get("/x")


def test_a_refused_token_is_replaced_by_the_plugin_and_not_too_often(api: Api, tmp_path: Path) -> None:
    """The plugin said no expiry, and the official client would be refused for ever."""
    clock, counter = Clock(), tmp_path / "counter"
    counter.write_text("0")
    connection = connect(api, tmp_path, plugin(tmp_path, COUNTING, str(counter)), clock=clock)
    api.tell("GET", FINE)
    connection.get("/x")
    clock.now += PAUSE_SECONDS + 1
    api.tell("GET", refusal(401, "Unauthorized"), FINE)
    connection.get("/x")
    assert authorizations(api) == ["Bearer token-1", "Bearer token-1", "Bearer token-2"]

    api.tell("GET", refusal(401, "Unauthorized"))
    for _ in range(2):
        with pytest.raises(errors.Unauthorized):
            connection.get("/x")

    assert counter.read_text() == "2", "it was run a moment ago"
    connection.close()


def test_everything_is_made_anew_every_hour(api: Api, tmp_path: Path) -> None:
    """A plugin's certificate tells nobody that it is old."""
    clock, counter = Clock(), tmp_path / "counter"
    counter.write_text("0")
    api.tell("GET", FINE)
    connection = connect(api, tmp_path, plugin(tmp_path, COUNTING, str(counter)), clock=clock)
    connection.get("/x")
    clock.now += AGE_SECONDS + 1
    connection.get("/x")

    assert counter.read_text() == "2"
    connection.close()


@pytest.mark.parametrize("rewritten", ["token", "kubeconfig"])
def test_a_file_that_changes_is_read_again(api: Api, tmp_path: Path, rewritten: str) -> None:
    """Whoever rotates a token rewrites a file, and tells nobody."""
    api.tell("GET", FINE)
    (tmp_path / "token").write_text("first")
    connection = connect(api, tmp_path, {"tokenFile": "token"})
    connection.get("/x")

    if rewritten == "token":
        (tmp_path / "token").write_text("second")
    else:
        api.write_kubeconfig(tmp_path / "kubeconfig", token="second")
    os.utime(tmp_path / rewritten, (1, 1))
    connection.get("/x")

    assert authorizations(api) == ["Bearer first", "Bearer second"]
    connection.close()


@pytest.mark.parametrize("text", [None, "import sys; sys.exit('no login')", "print('{}')", "print('\\x00')"])
def test_without_credentials_there_is_an_outage_and_no_request(api: Api, tmp_path: Path, text: str | None) -> None:
    """A plugin that fails is no reason to be somebody else, or nobody."""
    connection = connect(api, tmp_path, plugin(tmp_path, text) if text else {})

    for _ in range(2):
        with pytest.raises(errors.Unavailable, match="no credentials"):
            connection.get("/x")

    assert api.asked == []


def test_a_plugin_that_hangs_is_an_outage_and_is_waited_for_by_all_at_once(api: Api, tmp_path: Path) -> None:
    """Nobody waits longer than he has time, it is run once, and its late word is taken."""
    go, seen = tmp_path / "go", []
    user = plugin(tmp_path, f"{HANGING}\n{COUNTING.replace('argv[1]', 'argv[2]')}", str(go), str(tmp_path / "counter"))
    (tmp_path / "counter").write_text("0")
    api.tell("GET", FINE)
    connection = connect(api, tmp_path, user, plugin_seconds=0.2)

    def ask() -> None:
        try:
            connection.get("/x")
        except errors.Unavailable as error:
            seen.append(str(error))

    askers = [threading.Thread(target=ask) for _ in range(3)]
    for one in askers:
        one.start()
    for one in askers:
        one.join()
    assert len(seen) == 3
    assert all("has not returned for 0.2 s" in one for one in seen)
    go.touch()
    patient = time.monotonic() + 20
    while not api.asked and time.monotonic() < patient:
        ask()

    assert authorizations(api) == ["Bearer token-1"]
    connection.close()


@pytest.mark.parametrize(("said", "seconds"), [("7", 7), (" 0 ", 0), ("²", None), ("Wed, 21", None), (None, None)])
def test_what_retry_after_says(said: str | None, seconds: float | None) -> None:
    """A number of seconds, or nothing that we read."""
    assert seconds_of(said) == seconds
