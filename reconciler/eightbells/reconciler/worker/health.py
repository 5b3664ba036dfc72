"""Over HTTP: `/livez`, whether the loop makes progress; `/readyz`, whether the cluster is in view; `/metrics`."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

_log = logging.getLogger(__name__)

PLAIN = "text/plain; charset=utf-8"

Check = Callable[[], str | None]
"""Returns why not; None where all is well."""


@contextmanager
def serving(port: int, live: Check, ready: Check, registry: CollectorRegistry, host: str = "") -> Iterator[int]:
    """Answer on a port (0: any) until the end; yields which. Raises `OSError` where it is taken."""
    checks = {"/livez": live, "/readyz": ready}

    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:
            if self.path == "/metrics":
                self.answer(200, generate_latest(registry), CONTENT_TYPE_LATEST)
            elif self.path in checks:
                why = checks[self.path]()
                self.answer(503 if why else 200, f"{why or 'ok'}\n".encode())
            else:
                self.answer(404, b"/livez, /readyz or /metrics\n")

        def answer(self, status: int, body: bytes, kind: str = PLAIN) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing: a probe comes every few seconds."""

    server = ThreadingHTTPServer((host, port), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="health", daemon=True)
    thread.start()
    found = int(server.server_address[1])
    _log.info("serves /livez, /readyz and /metrics", extra={"action": "serving", "port": found})
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
