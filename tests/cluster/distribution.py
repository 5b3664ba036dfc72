"""The HTTP side of the registry: passes requests on, and writes the answers that it is given. It decides nothing.

Every thread of it ends when it is closed, whatever its client does.
"""

import socket
import struct
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from tests.cluster.oci import Blob

POLL = 0.05
"""Seconds that closing may take while nothing comes in."""


class Asked(NamedTuple):
    """A request, as it came."""

    method: str
    path: str
    host: str
    authorization: str | None


@dataclass(frozen=True)
class Answer:
    """A status and some bytes."""

    status: int
    body: Blob
    headers: Mapping[str, str] = field(default_factory=dict)


class Cut(Enum):
    """An end of the connection without an answer."""

    RESET = auto()
    CLOSE = auto()


Receive = Callable[[Asked], Answer | Cut]


class Server(ThreadingHTTPServer):
    """The connections, each with a thread of its own."""

    daemon_threads = False  # so that they are waited for

    def __init__(self, address: tuple[str, int], receive: Receive) -> None:
        super().__init__(address, Handler)
        self.receive = receive
        self._open: set[socket.socket] = set()

    def serve(self) -> None:
        """Serve until `shutdown`."""
        self.serve_forever(POLL)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self._open.discard(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no error; nor is our own closing."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def close(self) -> None:
        """Close every connection: one that is kept alive has a thread that waits for the next request."""
        for each in tuple(self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:  # the library calls it so
        """Answer it, or cut it."""
        host, authorization = self.headers.get("Host", ""), self.headers.get("Authorization")
        answer = self.server.receive(Asked(self.command, self.path, host, authorization))
        if isinstance(answer, Answer):
            self._write(answer)
        else:
            self._cut(answer)

    do_HEAD = do_GET  # noqa: N815

    def _write(self, answer: Answer) -> None:
        self.send_response(answer.status)
        headers = {"Content-Type": answer.body.media_type, "Content-Length": str(answer.body.size)}
        for name, value in {**headers, **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            for chunk in answer.body.read():
                self.wfile.write(chunk)

    def _cut(self, cut: Cut) -> None:
        """A socket that may not linger is closed by RST; `shutdown`, which the library would call, sends FIN."""
        self.close_connection = True
        if cut is Cut.RESET:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            socket.close(self.connection.detach())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """The registry keeps a list of its requests; stderr is the tests' own."""
