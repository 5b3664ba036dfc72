"""A registry of container images on this machine, which answers well, or in one of the ways that registries fail.

It speaks the pull half of the OCI distribution API over plain HTTP. How it behaves is set for each image and may change
while it runs. Nothing of it outlives `stop`, hung requests included.
"""

import re
import threading
from types import TracebackType
from typing import NamedTuple, Self

from tests.cluster.behaviour import HELLO, NO_NAME, NO_TOKEN, TOKEN, Behaviour, Entry
from tests.cluster.distribution import Answer, Asked, Cut, Server
from tests.cluster.oci import Image

__all__ = ["Behaviour", "Registry", "Request"]

PATH = re.compile(r"/v2/(?P<repository>.+)/(?P<kind>manifests|blobs)/(?P<reference>[^/?]+)")
FIXED = {"/v2/": HELLO, "/token": TOKEN, "/no-token": NO_TOKEN.answer()}


class Request(NamedTuple):
    """A request that came; `image` is the name that it was added by, None where there is none."""

    method: str
    path: str
    image: str | None
    behaviour: Behaviour
    authorization: str | None


class Registry:
    """The registry: `with Registry() as registry: reference = registry.add("app:1", image)`.

    Clients must be told that it speaks plain HTTP, unless it is on a loopback address, where docker and the kubelet's
    containerd try that by themselves.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self._entries: dict[str, Entry] = {}
        self._requests: list[Request] = []
        self._changed = threading.Condition()
        self._is_stopped = False
        self._server = Server((host, port), self._receive)
        self._thread = threading.Thread(target=self._server.serve, name="registry")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Answer from now on. The port is bound already."""
        self._thread.start()

    def stop(self) -> None:
        """Close every connection and wait for the threads; a stopped registry stays so."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.close()

    @property
    def address(self) -> str:
        """Host and port."""
        return "{}:{}".format(*self._server.server_address[:2])

    def add(
        self,
        name: str,
        image: Image,
        behaviour: Behaviour = Behaviour.WELL,
        failures: int | None = None,
        login: tuple[str, str] | None = None,
    ) -> str:
        """Put an image there as `repository:tag`; return the reference to pull it by.

        It behaves so for ever, or for the next `failures` requests and then well. A pull is several requests, and
        clients repeat some. `login` is the user name and password for LOGIN_REQUIRED.
        """
        repository, _, tag = name.rpartition(":")
        if not repository:
            raise ValueError(f"{name!r} is no name of an image here: say repository:tag")
        with self._changed:
            self._entries[name] = Entry(repository, tag, image, behaviour, failures, login)
        return f"{self.address}/{name}"

    def behave(self, name: str, behaviour: Behaviour, failures: int | None = None) -> None:
        """Let an image behave so from now on, or for so many requests; what hangs is answered accordingly."""
        with self._changed:
            self._entries[name].behaviour, self._entries[name].failures = behaviour, failures
            self._changed.notify_all()

    @property
    def requests(self) -> tuple[Request, ...]:
        """Every request that has come, in order; one that hangs is there as soon as it hangs."""
        with self._changed:
            return tuple(self._requests)

    def requests_for(self, name: str) -> list[Request]:
        """Those for the image of this name."""
        return [request for request in self.requests if request.image == name]

    def _receive(self, asked: Asked) -> Answer | Cut:
        """Note the request and answer it; blocks while it hangs."""
        found = PATH.match(asked.path)
        with self._changed:
            entry = self._find(found["repository"], found["reference"]) if found else None
            behaviour = entry.step() if entry else Behaviour.WELL
            name = entry.name if entry else None
            self._requests.append(Request(asked.method, asked.path, name, behaviour, asked.authorization))
            while entry and behaviour is Behaviour.HANG and not self._is_stopped:
                self._changed.wait()
                behaviour = entry.behaviour
        if entry and found:
            return entry.answer(behaviour, found["reference"], asked.host, asked.authorization)
        return FIXED.get(asked.path.partition("?")[0], NO_NAME.answer())

    def _find(self, repository: str, reference: str) -> Entry | None:
        """Of images that share a blob, one that behaves well answers for it."""
        found = [entry for entry in self._entries.values() if entry.means(repository, reference)]
        return min(found, key=lambda entry: entry.behaviour is not Behaviour.WELL, default=None)
