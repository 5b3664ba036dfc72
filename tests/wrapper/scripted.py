"""A server that says one thing to every command, in RESP, for states that no real one can be brought to."""

import socket
import threading
from types import TracebackType

from hiredis import Reader


class Scripted:
    """Answers each command on each connection with one line, such as `-MASTERDOWN …`, until the block is left."""

    def __init__(self, line: str = "") -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.line = line
        self.asked = 0
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> "Scripted":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._server.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            with connection:
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        reader = Reader()
        while data := connection.recv(65536):
            reader.feed(data)
            while reader.gets() is not False:
                self.asked += 1
                connection.sendall(f"{self.line}\r\n".encode())
