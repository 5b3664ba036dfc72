"""A name server for one name: answers over UDP on the loopback, on an address and the port that a resolver expects."""

import socket
import struct
import threading
from contextlib import suppress
from itertools import count
from types import TracebackType

PORT = 53
A, IN = 1, 1


def bind(door: socket.socket) -> str:
    """Take the first address of the loopback, which is every 127.x.y.z, that has no name server, and return it."""
    for number in count(2):
        address = f"127.53.{number // 250}.{number % 250 + 1}"
        try:
            door.bind((address, PORT))
        except OSError:
            assert number < 1000, "port 53 cannot be had on the loopback"
            continue
        return address
    raise AssertionError


class Silent:
    """A name server that hears every question and answers none."""

    def __enter__(self) -> "Silent":
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.address = bind(self._socket)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def is_asked(self) -> bool:
        """Whether there was a question."""
        self._socket.setblocking(False)
        with suppress(BlockingIOError):
            return bool(self._socket.recv(512))
        return False


class NameServer:
    """Knows one name, which is this machine; every other question is answered with "no such name"."""

    def __init__(self, name: str) -> None:
        self.asked: list[str] = []
        self._name = name
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.address = bind(self._socket)
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        """Answer nobody any more."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
            door.sendto(b"", (self.address, PORT))
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            question, asker = self._socket.recvfrom(512)
            if not question:
                return
            self._socket.sendto(self._answer(question), asker)

    def _answer(self, question: bytes) -> bytes:
        """RFC 1035: the header, the question again, and for an A question of our name the one address."""
        end = question.index(b"\0", 12)
        name, (kind,) = read_name(question[12:end]), struct.unpack_from("!H", question, end + 1)
        self.asked.append(name)
        is_ours, is_address = name == self._name, kind == A
        answers = int(is_ours and is_address)
        header = question[:2] + struct.pack("!HHHHH", 0x8580 | (0 if is_ours else 3), 1, answers, 0, 0)
        record = struct.pack("!HHHIH4B", 0xC00C, A, IN, 1, 4, 127, 0, 0, 1)
        return header + question[12 : end + 5] + record * answers


def read_name(labels: bytes) -> str:
    """The name that the labels make."""
    parts = []
    while labels:
        parts.append(labels[1 : labels[0] + 1].decode())
        labels = labels[labels[0] + 1 :]
    return ".".join(parts)
