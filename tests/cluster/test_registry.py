"""What the registry that the tests pull from promises to a client of the distribution API."""

import hashlib
import http.client
import json
import os
import socket
import threading
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.cluster.oci import CONFIG, INDEX, LAYER, MANIFEST, Image, make_image
from tests.cluster.registry import Behaviour, Registry
from tests.waiting import wait_until

STATUSES = {
    Behaviour.WELL: 200,
    Behaviour.UNAUTHORIZED: 401,
    Behaviour.LOGIN_REQUIRED: 401,
    Behaviour.TOKEN_UNAVAILABLE: 401,
    Behaviour.FORBIDDEN: 403,
    Behaviour.NOT_FOUND: 404,
    Behaviour.TOO_MANY_REQUESTS: 429,
    Behaviour.SERVER_ERROR: 500,
    Behaviour.UNAVAILABLE: 503,
    Behaviour.WRONG_PLATFORM: 200,
    Behaviour.MISSING_BLOB: 200,
}
CUT = {Behaviour.HANG, Behaviour.RESET}


class Reply(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes


@pytest.fixture
def registry() -> Iterator[Registry]:
    """A registry on loopback; it leaves no thread."""
    before = set(threading.enumerate())
    with Registry() as registry:
        yield registry
    assert set(threading.enumerate()) <= before


@pytest.fixture
def image() -> Image:
    """An image that no other test has: a client does not ask for what it has."""
    return make_image({"bin/program": os.urandom(16), "bin/link": "program"}, Cmd=["/bin/program"])


def connect(registry: Registry) -> socket.socket:
    """A connection without a client's manners."""
    host, port = registry.address.split(":")
    return socket.create_connection((host, int(port)), timeout=20)


def ask(registry: Registry, path: str, method: str = "GET", **headers: str) -> Reply:
    """One request. Raises what a broken connection raises."""
    connection = http.client.HTTPConnection(registry.address, timeout=20)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return Reply(answer.status, dict(answer.headers), answer.read())
    finally:
        connection.close()


def test_everything_of_an_image_is_what_its_digest_says(registry: Registry, image: Image) -> None:
    """From the tag to the last layer, by GET, each blob has its size, type and digest."""
    registry.add("team/app:1", image)
    reply = ask(registry, "/v2/team/app/manifests/1")
    manifest = json.loads(reply.body)
    assert reply.headers["Content-Type"] == MANIFEST
    for kind, digest in (
        ("manifests", reply.headers["Docker-Content-Digest"]),
        *(("blobs", each["digest"]) for each in (manifest["config"], *manifest["layers"])),
    ):
        blob = ask(registry, f"/v2/team/app/{kind}/{digest}")
        assert blob.headers["Docker-Content-Digest"] == digest
        assert digest == f"sha256:{hashlib.sha256(blob.body).hexdigest()}"
    assert [manifest["config"]["mediaType"], *(each["mediaType"] for each in manifest["layers"])] == [CONFIG, LAYER]


@pytest.mark.parametrize("kind", ["manifests", "blobs"])
def test_head_says_what_get_would_bring(registry: Registry, image: Image, kind: str) -> None:
    """The same status and headers, and no byte of a body."""
    registry.add("app:1", image)
    path = f"/v2/app/{kind}/{(image.manifest if kind == 'manifests' else image.config).digest}"
    head, get = ask(registry, path, "HEAD"), ask(registry, path)
    names = ("Content-Type", "Content-Length", "Docker-Content-Digest")
    assert [head.headers[name] for name in names] == [get.headers[name] for name in names]
    assert (head.status, len(get.body)) == (200, int(get.headers["Content-Length"]))
    with connect(registry) as connection:  # the library would not read a body
        connection.sendall(f"HEAD {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        assert b"".join(iter(lambda: connection.recv(4096), b"")).endswith(b"\r\n\r\n")


def test_it_says_that_it_is_a_registry(registry: Registry) -> None:
    """The first question of every client of Docker's is answered."""
    assert ask(registry, "/v2/").status == 200


@pytest.mark.parametrize("path", ["/v2/other/manifests/1", "/v2/app/manifests/2", "/v2/app/blobs/sha256:0", "/else"])
def test_what_is_not_there_is_404(registry: Registry, image: Image, path: str) -> None:
    """Another name, tag, digest or address is refused in the API's words."""
    registry.add("app:1", image)
    reply = ask(registry, path)
    assert (reply.status, json.loads(reply.body)["errors"][0]["code"]) == (404, "NAME_UNKNOWN")


@pytest.mark.parametrize("behaviour", [each for each in Behaviour if each not in CUT], ids=lambda each: each.name)
def test_each_behaviour_is_a_status_of_its_own_image(registry: Registry, image: Image, behaviour: Behaviour) -> None:
    """One image fails as it was told to, and its neighbour is well."""
    registry.add("bad:1", image, behaviour)
    registry.add("good:1", image)
    assert ask(registry, "/v2/bad/manifests/1").status == STATUSES[behaviour]
    assert ask(registry, "/v2/good/manifests/1").status == 200


def test_too_many_requests_says_when_to_come_again(registry: Registry, image: Image) -> None:
    """A 429 has Retry-After, in seconds."""
    registry.add("app:1", image, Behaviour.TOO_MANY_REQUESTS)
    assert int(ask(registry, "/v2/app/manifests/1").headers["Retry-After"]) > 0


def test_a_token_that_everybody_gets_is_not_enough(registry: Registry, image: Image) -> None:
    """The challenge leads to a token, and with the token the answer is that it allows too little."""
    registry.add("app:1", image, Behaviour.UNAUTHORIZED)
    challenge = ask(registry, "/v2/app/manifests/1").headers["WWW-Authenticate"]
    assert challenge.startswith(f'Bearer realm="http://{registry.address}/token",service=')
    token = json.loads(ask(registry, "/token?service=x&scope=repository:app:pull").body)["token"]
    again = ask(registry, "/v2/app/manifests/1", Authorization=f"Bearer {token}")
    assert (again.status, 'error="insufficient_scope"' in again.headers["WWW-Authenticate"]) == (401, True)


def test_a_login_opens_an_image(registry: Registry, image: Image) -> None:
    """The right password brings the image, any other and none 401."""
    registry.add("app:1", image, Behaviour.LOGIN_REQUIRED, login=("user", "secret"))
    given = {"right": "Basic dXNlcjpzZWNyZXQ=", "wrong": "Basic dXNlcjp3cm9uZw=="}
    path = "/v2/app/manifests/1"
    assert ask(registry, path).headers["WWW-Authenticate"].startswith("Basic ")
    assert [ask(registry, path, Authorization=each).status for each in given.values()] == [200, 401]
    assert registry.requests[-1].authorization == given["wrong"]


def test_a_reset_is_not_an_end(registry: Registry, image: Image) -> None:
    """The connection is broken by RST, which a client can tell from one that was closed."""
    registry.add("app:1", image, Behaviour.RESET)
    with connect(registry) as connection:
        connection.sendall(b"GET /v2/app/manifests/1 HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            connection.recv(1)


def test_a_wrong_platform_is_an_index_without_ours(registry: Registry, image: Image) -> None:
    """The tag names an index; what it lists is there, and for another architecture only."""
    registry.add("app:1", image, Behaviour.WRONG_PLATFORM)
    reply = ask(registry, "/v2/app/manifests/1")
    (entry,) = json.loads(reply.body)["manifests"]
    assert (reply.headers["Content-Type"], entry["platform"]["architecture"]) == (INDEX, "s390x")
    assert ask(registry, f"/v2/app/manifests/{entry['digest']}").status == 200


def test_a_missing_blob_is_named_and_not_there(registry: Registry, image: Image) -> None:
    """Manifest and config can be had, the layer cannot."""
    registry.add("app:1", image, Behaviour.MISSING_BLOB)
    paths = [f"/v2/app/blobs/{blob.digest}" for blob in (image.config, image.layers[-1])]
    assert [ask(registry, path).status for path in paths] == [200, 404]


def test_of_images_that_share_a_blob_the_well_one_answers(registry: Registry, image: Image) -> None:
    """One bad tag of a repository does not keep another from being pulled."""
    registry.add("app:1", image, Behaviour.FORBIDDEN)
    registry.add("app:2", image)
    assert ask(registry, f"/v2/app/blobs/{image.config.digest}").status == 200


def test_failures_end_after_so_many(registry: Registry, image: Image) -> None:
    """Not yet, then yes."""
    registry.add("app:1", image, Behaviour.UNAVAILABLE, failures=2)
    assert [ask(registry, "/v2/app/manifests/1").status for _ in range(4)] == [503, 503, 200, 200]


def test_behaviour_changes_when_told(registry: Registry, image: Image) -> None:
    """What was well fails, and is well again."""
    registry.add("app:1", image)
    seen = []
    for behaviour in (Behaviour.FORBIDDEN, Behaviour.WELL):
        registry.behave("app:1", behaviour)
        seen.append(ask(registry, "/v2/app/manifests/1").status)
    assert seen == [403, 200]


def test_what_hangs_is_answered_when_told(registry: Registry, image: Image) -> None:
    """A request that hung gets the answer that is true afterwards."""
    registry.add("app:1", image, Behaviour.HANG)
    replies: list[Reply] = []
    asking = threading.Thread(target=lambda: replies.append(ask(registry, "/v2/app/manifests/1")))
    asking.start()
    wait_until(lambda: registry.requests_for("app:1"), "the request has come")
    assert not replies
    registry.behave("app:1", Behaviour.WELL)
    asking.join()
    assert [reply.status for reply in replies] == [200]


def test_stopping_ends_what_hangs(image: Image) -> None:
    """A hung request, an idle connection and one half read keep no thread and no port."""
    registry = Registry()
    registry.start()
    registry.add("app:1", image, Behaviour.HANG)
    with connect(registry) as hung, connect(registry) as idle:
        hung.sendall(b"GET /v2/app/manifests/1 HTTP/1.1\r\nHost: x\r\n\r\n")
        idle.sendall(b"GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\nGET ")
        wait_until(lambda: len(registry.requests) == 2, "both requests have come")
        registry.stop()
        assert hung.recv(1) == b""
    assert not [thread for thread in threading.enumerate() if "process_request_thread" in thread.name]
    with pytest.raises(ConnectionRefusedError):
        connect(registry)


def test_requests_are_remembered(registry: Registry, image: Image) -> None:
    """Who asked what, in order, and what it was about."""
    registry.add("app:1", image, Behaviour.FORBIDDEN, failures=1)
    ask(registry, "/v2/app/manifests/1", "HEAD")
    ask(registry, f"/v2/app/blobs/{image.config.digest}")
    ask(registry, "/v2/")
    seen = [(each.method, each.path.rpartition("/")[2], each.image, each.behaviour) for each in registry.requests]
    assert seen == [
        ("HEAD", "1", "app:1", Behaviour.FORBIDDEN),
        ("GET", image.config.digest, "app:1", Behaviour.WELL),
        ("GET", "", None, Behaviour.WELL),
    ]
    assert [each.method for each in registry.requests_for("app:1")] == ["HEAD", "GET"]


def test_a_name_without_a_tag_is_refused(registry: Registry, image: Image) -> None:
    """The error says how a name is written."""
    with pytest.raises(ValueError, match="'app' is no name of an image here: say repository:tag"):
        registry.add("app", image)
