"""The registry as containerd and docker see it: they pull what is well, and say of each failure what it is."""

import os
from collections.abc import Callable, Iterator

import pytest

from tests.cluster.oci import Image, make_image
from tests.cluster.pulling import Client, Containerd, Docker
from tests.cluster.registry import Behaviour, Registry

SAID = {
    Behaviour.UNAUTHORIZED: ("insufficient_scope: authorization failed", "unauthorized"),
    Behaviour.LOGIN_REQUIRED: ("401 Unauthorized", "unauthorized"),
    Behaviour.TOKEN_UNAVAILABLE: ("failed to fetch anonymous token: unexpected status: 500", "unauthorized"),
    Behaviour.FORBIDDEN: ("403 Forbidden", "denied"),
    Behaviour.NOT_FOUND: (": not found", "manifest unknown"),
    Behaviour.TOO_MANY_REQUESTS: ("429 Too Many Requests", "toomanyrequests"),
    Behaviour.SERVER_ERROR: ("500 Internal Server Error", "500 Internal Server Error"),
    Behaviour.UNAVAILABLE: ("503 Service Unavailable", "503 Service Unavailable"),
    Behaviour.RESET: ("connection reset by peer", "connection reset by peer"),
    Behaviour.WRONG_PLATFORM: ("no match for platform", "no matching manifest"),
    Behaviour.MISSING_BLOB: ("not found", "unknown blob"),
}
CLIENTS: dict[str, tuple[Callable[[], str | None], Callable[[], Client]]] = {
    "containerd": (Containerd.reason_against, Containerd),
    "docker": (Docker.reason_against, Docker),
}


@pytest.fixture
def registry() -> Iterator[Registry]:
    """A registry on loopback."""
    with Registry() as registry:
        yield registry


@pytest.fixture
def image() -> Image:
    """An image that no other test has: a client does not ask for what it has."""
    return make_image({"bin/program": os.urandom(16), "bin/link": "program"}, Cmd=["/bin/program"])


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest) -> Iterator[Client]:
    """Each real client that there is."""
    reason_against, start = CLIENTS[request.param]
    if reason := reason_against():
        pytest.fail(reason, pytrace=False) if os.environ.get("CI") == "true" else pytest.skip(reason)
    client = start()
    yield client
    client.close()


@pytest.mark.parametrize("behaviour", [Behaviour.WELL, *SAID], ids=lambda each: each.name)
def test_a_real_client_sees_what_the_registry_does(
    registry: Registry, image: Image, client: Client, behaviour: Behaviour
) -> None:
    """Containerd and docker pull what is well, and of each failure they say what it is."""
    pulled = client.pull(registry.add("app:1", image, behaviour))
    assert pulled.is_done == (behaviour is Behaviour.WELL), pulled.said
    if behaviour in SAID:
        assert SAID[behaviour][isinstance(client, Docker)] in pulled.said


def test_a_real_client_succeeds_later(registry: Registry, image: Image, client: Client) -> None:
    """Pulls fail until the registry is told to be well."""
    reference = registry.add("app:1", image, Behaviour.UNAVAILABLE)
    assert not client.pull(reference).is_done
    registry.behave("app:1", Behaviour.WELL)
    assert client.pull(reference).is_done
