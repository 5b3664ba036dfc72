"""A server for `rediss://`: Debian's Redis with TLS on a port, and a certificate of an authority of its own."""

import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL, Popen

from msgspec import Struct

from bench.servers import Server, describe, has_redis
from bench.waiting import wait_until
from tests.wrapper.certificates import REASON, Authority

LIMIT = 20


class Secure(Struct, frozen=True):
    """A server that we speak to by its socket and the wrapper by TLS; `told` is what the wrapper needs for it."""

    server: Server
    told: dict[str, str]


def reason_against() -> str:
    """Why there is none, or ''."""
    return "" if has_redis() and REASON is None else REASON or "no redis-server on PATH (Debian's package redis-server)"


@contextmanager
def serve_securely() -> Iterator[Secure]:
    """Serve until the block is left; nothing is kept."""
    with tempfile.TemporaryDirectory(prefix="eightbells-bench-") as folder:
        home, port = Path(folder), free_port()
        authority = Authority(home / "authority")
        certificate, key = authority.sign("server", "DNS:localhost")
        files = ("--tls-ca-cert-file", authority.ca, "--tls-cert-file", certificate, "--tls-key-file", key)
        places = ("--port", "0", "--tls-port", str(port), "--unixsocket", home / "socket", "--dir", home)
        words = (shutil.which("redis-server") or "", *places, *files, "--tls-auth-clients", "no", "--save", "")
        with Popen(words, stdin=DEVNULL, stdout=DEVNULL) as process:
            try:
                wait_until((home / "socket").exists, "a server with TLS", LIMIT)
                url = f"unix://{home / 'socket'}?db=0"
                told = {"URL": f"rediss://localhost:{port}/0", "TLS_CA": str(authority.ca)}
                yield Secure(Server(describe(url), url), told)
            finally:
                process.terminate()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
