"""The lines of a stream, however they were cut into pieces on their way."""

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from eightbells.reconciler.informer import stream as streams
from eightbells.reconciler.informer.connection import Connection
from eightbells.reconciler.informer.errors import Unavailable

from tests.dispatcher.faults import Api
from tests.reconciler.informer.breaking import begin, write
from tests.reconciler.informer.serving import serving

Serve = Callable[[BaseHTTPRequestHandler], None]


def chunked(*pieces: bytes) -> Serve:
    """Send each piece as a chunk, and end well."""

    def serve(handler: BaseHTTPRequestHandler) -> None:
        begin(handler)
        for piece in pieces:
            write(handler, piece)
        handler.wfile.write(b"0\r\n\r\n")

    return serve


def unchunked(*pieces: bytes) -> Serve:
    """Send them as a proxy does that knows no chunks: the end is the end of the connection."""

    def serve(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        handler.send_response(200)
        handler.end_headers()
        for piece in pieces:
            handler.wfile.write(piece)

    return serve


def read(serve: Serve, directory: Path) -> list[bytes]:
    api = Api()
    with serving(serve) as api.url:
        connection = Connection.find(str(api.write_kubeconfig(directory / "kubeconfig", token="t0ken")))
        stream = connection.stream("/x", {}, silence=20)
        try:
            return list(stream.lines())
        finally:
            stream.close()
            connection.close()


@pytest.mark.parametrize("send", [chunked, unchunked])
@pytest.mark.parametrize(
    "pieces",
    [
        (b"one\n", b"two\n", b"three\n"),
        (b"one\ntwo\nthree\n",),
        (b"o", b"n", b"e", b"\n", b"two", b"\nthr", b"ee\n"),
        (b"one\ntw", b"o\nthree\n", b"four, and no more of i"),
    ],
    ids=["whole", "together", "in pieces", "across"],
)
def test_only_whole_lines_come_and_all_of_them(
    tmp_path: Path, pieces: tuple[bytes, ...], send: Callable[..., Serve]
) -> None:
    """Wherever chunks end; what has no end is no line."""
    assert read(send(*pieces), tmp_path) == [b"one", b"two", b"three"]


def test_a_line_that_never_ends_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would take all memory; lines that are long and end are read."""
    monkeypatch.setattr(streams, "LONGEST", 1000)
    assert read(chunked(b"x" * 900, b"\n", b"y" * 900 + b"\n"), tmp_path) == [b"x" * 900, b"y" * 900]

    with pytest.raises(Unavailable, match="without an end"):
        read(chunked(*[b"x" * 100] * 11), tmp_path)
