"""The way to the cluster: nothing is sent twice or too late, and a client that is given is used as it is."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from eightbells.dispatcher.connection import Connection, seconds_of
from eightbells.dispatcher.credentials import Credentials
from eightbells.dispatcher.errors import AnswerLost, TooLate, Unavailable
from kubernetes import client

from tests.dispatcher.clock import Clock
from tests.dispatcher.faults import HANG, RESET, Api, Reply

FINE = Reply(200, {})


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


def test_a_request_is_not_sent_after_its_time(api: Api, tmp_path: Path) -> None:
    """The time passes while a plugin is asked who we are: the request is not sent."""
    clock = Clock()

    def load() -> client.Configuration:
        clock.now += 60
        return client.Configuration(host=api.url, api_key={"BearerToken": "Bearer t"})

    connection = Connection(Credentials(load), clock=clock)

    with pytest.raises(TooLate, match="POST /jobs was not sent in time: submitting again is safe"):
        connection.request("POST", "/jobs", body={}, until=clock.now + 59)

    assert api.asked == []


def test_no_more_requests_are_under_way_than_there_are_connections(api: Api, tmp_path: Path) -> None:
    """Whoever comes when all are in use waits for one; none is opened for him and thrown away."""
    ready = threading.Barrier(3)
    api.tell("GET", FINE._replace(then=ready.wait))
    connection = api.connect(tmp_path / "kubeconfig", connections=3)
    threads = [threading.Thread(target=connection.request, args=("GET", "/")) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(api.asked) == 12
    assert api.connections == 3
    connection.close()


def test_an_address_that_is_none_is_an_outage_and_not_a_lost_answer(api: Api, tmp_path: Path) -> None:
    """Nothing can have been sent to it."""
    nowhere = Api()
    nowhere.url = "ftp://127.0.0.1:1"

    with pytest.raises(Unavailable, match="cannot be reached") as error:
        nowhere.connect(tmp_path / "kubeconfig").request("POST", "/", body={})

    assert not isinstance(error.value, AnswerLost)


def test_a_server_that_does_not_speak_tls_is_an_outage_and_not_a_lost_answer(api: Api, tmp_path: Path) -> None:
    """Nothing has been sent before the two agree on how."""
    secure = Api()
    secure.url = api.url.replace("http:", "https:")

    with pytest.raises(Unavailable, match="not the one of the kubeconfig") as error:
        secure.connect(tmp_path / "kubeconfig").request("POST", "/", body={})

    assert not isinstance(error.value, AnswerLost)


@pytest.mark.parametrize("text", ["²", "٣", "-1", "soon", "", None, "1.5"])
def test_a_retry_after_that_is_no_number_is_none(text: str | None) -> None:
    """Whatever is between us and the API may write what it likes."""
    assert seconds_of(text) is None
    assert seconds_of(" 7 ") == 7


def given(api: Api, **more: Any) -> client.ApiClient:
    """A client that somebody else has made."""
    return client.ApiClient(client.Configuration(host=api.url, **more))


def test_a_client_that_needs_no_credentials_needs_none_here(api: Api) -> None:
    """Such as one by `kubectl proxy`, which lets in whoever reaches it."""
    api.tell("GET", FINE)
    connection = Connection.of(given(api))

    assert connection.request("GET", "/").status == 200
    assert api.asked[0].authorization is None
    connection.close()


def test_what_a_given_client_is_let_in_by_is_used(api: Api) -> None:
    """By a password, or by a header of its own."""
    api.tell("GET", FINE)
    by_header = given(api)
    by_header.default_headers["Authorization"] = "Custom x"
    for one in (given(api, username="u", password="p"), by_header):
        connection = Connection.of(one)
        connection.request("GET", "/")
        connection.close()

    assert [one.authorization for one in api.asked] == ["Basic dTpw", "Custom x"]


def test_a_given_client_stays_as_it_is(api: Api) -> None:
    """It goes on being its owner's, with his pool, and says who he is when he changes that."""
    api.tell("GET", FINE)
    one = given(api, api_key={"BearerToken": "Bearer first"})
    before = dict(vars(one.configuration))
    connection = Connection.of(one, connections=3)
    connection.request("GET", "/")
    assert vars(one.configuration) == before
    one.configuration.api_key = {"BearerToken": "Bearer second"}
    connection.request("GET", "/")
    connection.close()

    assert [asked.authorization for asked in api.asked] == ["Bearer first", "Bearer second"]
    assert one.call_api("GET", f"{api.url}/").status == 200


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
