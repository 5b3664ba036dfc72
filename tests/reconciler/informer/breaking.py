"""The ways in which an answer of an API server goes wrong, or those of somebody between."""

import json
import socket
import struct
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import NamedTuple

PAUSE = 0.01
"""Seconds between two looks at whether the client has gone, and between two slow bytes."""

CLOSE, HALF, SILENCE, SLOW, RESET, GARBAGE = "close", "half", "silence", "slow", "reset", "garbage"
EXPIRED, INTERNAL = "410 in the stream", "500 in the stream"

ENDS = (CLOSE, HALF, RESET, GARBAGE, EXPIRED, INTERNAL)
"""How an open stream can end."""


def chunk(piece: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(piece), piece)


def error_line(code: int) -> bytes:
    status = {"kind": "Status", "code": code, "message": "as the test says"}
    return json.dumps({"type": "ERROR", "object": status}).encode() + b"\n"


LAST_WORDS = {
    CLOSE: b"0\r\n\r\n",
    HALF: chunk(b'{"type": "MODIFIED", "object": {"metadata": {"uid'),
    GARBAGE: chunk(b"<html>a proxy's page</html>\n"),
    EXPIRED: chunk(error_line(410)),
    INTERNAL: chunk(error_line(500)),
}

HANGING = (SILENCE, SLOW)
"""How one can go on without ever ending."""


class Refusal(NamedTuple):
    """An answer with an error."""

    status: int
    retry_after: str | None = None


def begin(handler: BaseHTTPRequestHandler) -> None:
    """Begin an answer that goes on."""
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.send_header("Connection", "close")
    handler.end_headers()


def write(handler: BaseHTTPRequestHandler, piece: bytes) -> None:
    """Send a piece of it."""
    handler.wfile.write(chunk(piece))


def refuse(handler: BaseHTTPRequestHandler, refusal: Refusal) -> None:
    """Answer with an error."""
    body = json.dumps({"kind": "Status", "message": "as the test says", "code": refusal.status}).encode()
    handler.send_response(refusal.status)
    if refusal.retry_after:
        handler.send_header("Retry-After", refusal.retry_after)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def end(handler: BaseHTTPRequestHandler, how: str, is_over: Callable[[], bool]) -> None:
    """End an answer, or let it hang until the client goes."""
    handler.close_connection = True
    if how in LAST_WORDS:
        handler.wfile.write(LAST_WORDS[how])
    elif how == RESET:
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.connection.close()
    while how not in {CLOSE, HALF, RESET} and not is_over() and not is_closed(handler.connection):
        if how == SLOW:
            write(handler, b" ")
        time.sleep(PAUSE)


def is_closed(connection: socket.socket) -> bool:
    """Whether the client has gone: it says nothing more on an open stream."""
    try:
        return connection.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
