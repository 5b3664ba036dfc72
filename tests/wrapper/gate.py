"""A way to a server that falls silent: what is sent stays under way, every connection stays open, nobody is told."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from urllib.parse import urlsplit

BYTES = 65536


class Way:
    """One connection through the gate. While `passes` is not set nothing comes through, in either direction."""

    def __init__(self, client: socket.socket, server: socket.socket, *, is_open: bool) -> None:
        self.ends = (client, server)
        self.passes = threading.Event()
        if is_open:
            self.passes.set()

    def carry(self, source: socket.socket, sink: socket.socket, look: Callable[[bytes], bool]) -> None:
        """Carry bytes until an end closes; what is not to be seen coming strands the connection."""
        with suppress(OSError):
            while data := source.recv(BYTES):
                if not look(data):
                    self.passes.clear()
                self.passes.wait()
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)


class Gate:
    """Passes connections on to a server until the block is left; `swallowed` is a word that strands who sends it."""

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self._door = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._door.getsockname()[1]}/0"
        self.swallowed = b""
        self._is_open = True
        self._ways: list[Way] = []
        self._threads = [threading.Thread(target=self._serve)]

    def strand(self) -> None:
        """Let nothing more through on the connections that there are."""
        for way in self._ways:
            way.passes.clear()

    def shut(self) -> None:
        """Nor on those that will be."""
        self._is_open = False
        self.strand()

    def __enter__(self) -> "Gate":
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._door.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        for way in self._ways:
            way.passes.set()
            for end in way.ends:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads[1:]:
            thread.join()
        for end in (self._door, *(end for way in self._ways for end in way.ends)):
            end.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._door.accept()
            except OSError:
                return
            server = socket.create_connection((self._target.hostname, self._target.port))
            way = Way(client, server, is_open=self._is_open)
            self._ways.append(way)
            for source, sink, look in ((client, server, self._is_welcome), (server, client, bool)):
                self._threads.append(threading.Thread(target=way.carry, args=(source, sink, look)))
                self._threads[-1].start()

    def _is_welcome(self, data: bytes) -> bool:
        return not (self.swallowed and self.swallowed in data)
