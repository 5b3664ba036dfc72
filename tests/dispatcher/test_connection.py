"""The way to the cluster: the official loader's credentials, fresh at each request, and nothing sent twice."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from eightbells.dispatcher.connection import AGE_SECONDS, PAUSE_SECONDS, Connection
from eightbells.dispatcher.errors import AnswerLost, Unavailable
from kubernetes import client

from tests.dispatcher.faults import HANG, RESET, Api, Reply, refusal

FINE = Reply(200, {})
PLUGIN = """
import json, pathlib, sys
counter = pathlib.Path(sys.argv[1])
number = int(counter.read_text()) + 1
counter.write_text(str(number))
status = {"token": f"token-{number}"}
print(json.dumps({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}))
"""


class Clock:
    """A clock that a test sets."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


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


@pytest.mark.parametrize(("fault", "seconds"), [(HANG, 0.5), (RESET, 10)], ids=["hang", "reset"])
def test_a_request_whose_answer_is_lost_is_said_to_be_and_never_resent(
    api: Api, tmp_path: Path, fault: str, seconds: float
) -> None:
    """Also where the connection was kept open, which is when clients like to try again."""
    api.tell("GET", FINE)
    api.tell("POST", fault)
    connection = api.connect(tmp_path / "kubeconfig", seconds=seconds)
    connection.request("GET", "/")

    with pytest.raises(AnswerLost, match="POST /jobs"):
        connection.request("POST", "/jobs", body={})

    assert api.count("POST") == 1
    connection.close()


def test_a_redirect_is_not_followed(api: Api, tmp_path: Path) -> None:
    """Credentials go to the server of the kubeconfig and to no other."""
    api.tell("GET", Reply(307, {}, {"Location": f"{api.url}/elsewhere"}))
    connection = api.connect(tmp_path / "kubeconfig")

    assert connection.request("GET", "/").status == 307
    assert len(api.asked) == 1
    connection.close()


def test_a_server_that_cannot_be_reached_is_told_from_a_lost_answer(tmp_path: Path) -> None:
    """Nothing was sent, so nothing can have been done."""
    nowhere = Api()
    nowhere.url = "http://127.0.0.1:1"

    with pytest.raises(Unavailable, match="cannot be reached") as error:
        nowhere.connect(tmp_path / "kubeconfig").request("POST", "/", body={})

    assert not isinstance(error.value, AnswerLost)


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


def test_a_client_that_somebody_else_has_made_will_do(api: Api) -> None:
    """Its server and its credentials are used."""
    api.tell("POST", FINE)
    configuration = client.Configuration(host=api.url)
    configuration.api_key["BearerToken"] = "Bearer given"
    connection = Connection.of(client.ApiClient(configuration))

    connection.request("POST", "/jobs", body={"a": 1}, timeout="30s")

    assert (api.asked[0].path, api.asked[0].authorization) == ("/jobs?timeout=30s", "Bearer given")
    assert json.dumps(api.asked[0].body) == '{"a": 1}'
    connection.close()
