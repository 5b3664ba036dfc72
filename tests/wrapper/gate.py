"""A way to a server that falls silent: what is sent stays under way, every connection stays open, nobody is told."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from urllib.parse import urlsplit

BYTES = 65536


class Way:
    """One connection through the gate. Requests come through while `asks` is set, replies while `answers` is."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client, self.server = client, server
        self.asks, self.answers = threading.Event(), threading.Event()

    def carry_requests(self, look: Callable[[Way, bytes], None]) -> None:
        """Carry until an end closes, and have each piece looked at beforehand."""
        with suppress(OSError):
            while data := self.client.recv(BYTES):
                look(self, data)
                self.asks.wait()
                self.server.sendall(data)
            self.server.shutdown(socket.SHUT_WR)

    def carry_replies(self) -> None:
        """Carry until an end closes."""
        with suppress(OSError):
            while data := self.server.recv(BYTES):
                self.answers.wait()
                self.client.sendall(data)
            self.client.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Let both ends know that it is over."""
        for event, end in ((self.asks, self.client), (self.answers, self.server)):
            event.set()
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class Gate:
    """Passes connections on to a server until the block is left.

    Who sends the word that is `swallowed` is not heard; who sends the `unanswered` one is, and is not told, once.
    """

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self._door = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._door.getsockname()[1]}/0"
        self.swallowed = self.unanswered = b""
        self._is_open = True
        self._ways: list[Way] = []
        self._threads = [threading.Thread(target=self._serve)]

    def strand(self) -> None:
        """Let nothing more through on the connections that there are."""
        for way in self._ways:
            way.asks.clear()
            way.answers.clear()

    def shut(self) -> None:
        """Nor on those that will be."""
        self._is_open = False
        self.strand()

    def __enter__(self) -> Gate:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._door.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        for way in self._ways:
            way.close()
        for thread in self._threads[1:]:
            thread.join()
        for end in (self._door, *(end for way in self._ways for end in (way.client, way.server))):
            end.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._door.accept()
            except OSError:
                return
            server = socket.create_connection((self._target.hostname, self._target.port))
            way = Way(client, server)
            if self._is_open:
                way.asks.set()
                way.answers.set()
            self._ways.append(way)
            for thread in (
                threading.Thread(target=way.carry_requests, args=(self._look,)),
                threading.Thread(target=way.carry_replies),
            ):
                self._threads.append(thread)
                thread.start()

    def _look(self, way: Way, data: bytes) -> None:
        if self.swallowed and self.swallowed in data:
            way.asks.clear()
        if self.unanswered and self.unanswered in data:
            self.unanswered = b""
            way.answers.clear()
