"""The lines of an answer that goes on: only whole ones, and a clear word about how it ended."""

from collections.abc import Iterator

from eightbells.reconciler.informer.errors import Unavailable
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError

LONGEST = 64 << 20
"""Bytes of a line. etcd holds no object of more than 8 MiB: what is longer is no watch."""

PIECE = 1 << 16


class Stream:
    """An open answer. Whoever iterates reads; another thread may `cut` it."""

    def __init__(self, answer: BaseHTTPResponse) -> None:
        self._answer = answer

    def lines(self) -> Iterator[bytes]:
        """Yield each line that is complete. Returns when the server ends the answer, else raises `Unavailable`."""
        begun: list[bytes] = []
        size = 0
        try:
            for piece in self._pieces():
                size += len(piece)
                if size > LONGEST:
                    raise Unavailable("the stream has a line without an end")
                if b"\n" not in piece:
                    begun.append(piece)
                    continue
                *whole, rest = b"".join((*begun, piece)).split(b"\n")
                begun, size = [rest] if rest else [], len(rest)
                yield from whole
        except (HTTPError, OSError) as error:
            raise Unavailable(f"the stream broke: {error}") from None

    def _pieces(self) -> Iterator[bytes]:
        """What has come, as it comes: a chunk, or what there is where a proxy has taken the chunks away."""
        if self._answer.chunked:
            return self._answer.stream(PIECE)
        return iter(lambda: self._answer.read1(PIECE), b"")

    def cut(self) -> None:
        """End it, whoever reads: that reader sees a broken stream."""
        try:
            self._answer.shutdown()
        except (ValueError, RuntimeError, OSError):
            return  # it has ended already

    def close(self) -> None:
        """Give up the connection: there is nothing to be had from one that was left in the middle of an answer."""
        self._answer.close()
