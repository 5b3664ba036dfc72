"""An API server that does what it is told, once each: refuses, hangs, cuts the connection, answers late or not at all.

It knows nothing of Kubernetes: what a real one does is seen on a cluster, in tests/e2e. What came is kept for the test.
"""

import json
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec
from eightbells.dispatcher.connection import Connection

HANG, RESET = "hang", "reset"


class Asked(NamedTuple):
    """A request as it came."""

    method: str
    path: str
    body: dict[str, Any]
    authorization: str | None


class Reply(NamedTuple):
    """What to answer; `then` is done before."""

    status: int
    body: dict[str, Any]
    headers: Mapping[str, str] = MappingProxyType({})
    then: Callable[[], object] = bool


Step = Reply | str | Callable[[Asked], Reply]


def refusal(status: int, message: str, reason: str = "", **headers: str) -> Reply:
    """A Status as the API gives it."""
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, {"kind": "Status", "message": message, "reason": reason}, told)


def created(asked: Asked) -> Reply:
    """The object that was sent, with the UID that the API would give it."""
    metadata = {**asked.body["metadata"], "uid": "uid-1"}
    return Reply(201, {**asked.body, "metadata": metadata})


TAKEN = refusal(409, "already exists", "AlreadyExists")
MISSING = refusal(404, "not found", "NotFound")


class Api:
    """The server. Each method has its own steps; `asked` is what came, in order."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.connections = 0
        self.url = ""
        self._steps: dict[str, deque[Step]] = {}
        self._over = threading.Event()

    def tell(self, method: str, *steps: Step) -> None:
        """Say what becomes of the next requests of a method; the last step goes on for ever."""
        self._steps[method] = deque(steps)

    def count(self, method: str) -> int:
        """How many requests of a method came."""
        return sum(one.method == method for one in self.asked)

    def posted(self, **metadata: Any) -> Reply:
        """The Job as it was posted last, as a GET finds it."""
        body = next(one.body for one in reversed(self.asked) if one.method == "POST")
        return Reply(200, {**body, "metadata": {**body["metadata"], "uid": "uid-1", **metadata}})

    def step(self, method: str) -> Step:
        steps = self._steps.get(method)
        if not steps:
            return refusal(418, f"the test has not said what {method} does")
        return steps.popleft() if len(steps) > 1 else steps[0]

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        size = int(handler.headers.get("Content-Length") or 0)
        body = json.loads(handler.rfile.read(size)) if size else {}
        asked = Asked(handler.command, handler.path, body, handler.headers.get("Authorization"))
        self.asked.append(asked)
        step = self.step(handler.command)
        if step == HANG:
            self._over.wait()
        if isinstance(step, str):
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
            return
        self._write(handler, step(asked) if not isinstance(step, Reply) else step)

    def _write(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        reply.then()
        body = json.dumps(reply.body).encode()
        handler.send_response(reply.status)
        for name, value in {**reply.headers, "Content-Length": str(len(body))}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    def write_kubeconfig(self, path: Path, **user: Any) -> Path:
        """A kubeconfig of this server for a user of whatever kind."""
        names = {"cluster": "c", "user": "u"}
        path.write_bytes(
            msgspec.yaml.encode(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "current-context": "x",
                    "contexts": [{"name": "x", "context": names}],
                    "clusters": [{"name": "c", "cluster": {"server": self.url}}],
                    "users": [{"name": "u", "user": user}],
                }
            )
        )
        return path

    def connect(self, path: Path, **options: Any) -> Connection:
        """A connection by a kubeconfig with a token."""
        return Connection.find(str(self.write_kubeconfig(path, token="t0ken")), **options)

    @contextmanager
    def serving(self) -> Iterator["Api"]:
        """Serve until the end."""
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # else each answer waits for the client's delayed ACK

            def setup(self) -> None:
                api.connections += 1
                super().setup()

            def log_message(self, *_: object) -> None: ...

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except OSError:
                    self.close_connection = True  # the client has given up

        def answer(handler: BaseHTTPRequestHandler) -> None:
            api.answer(handler)

        for method in ("GET", "POST", "PATCH", "DELETE"):
            setattr(Handler, f"do_{method}", answer)
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            server.shutdown()
            thread.join()
            server.server_close()
