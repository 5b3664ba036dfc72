"""A way to the real API server, on which a request can be held before it is passed on, or its answer on the way back.

So a test decides where a client is when it dies or loses patience; what the API server does is its own affair.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import urllib3

from tests.cluster.access import Access
from tests.waiting import wait_until

NOT_PASSED_ON = {"host", "connection", "accept-encoding", "transfer-encoding", "content-length"}


class Held:
    """A request that waits: `arrived` once it is there, `pass_on` lets it go on, `over` when it has been answered."""

    def __init__(self, method: str, *, before: bool) -> None:
        self.method = method
        self.is_before = before
        self.arrived = threading.Event()
        self.over = threading.Event()
        self._going = threading.Event()

    def wait_until_arrived(self) -> None:
        wait_until(self.arrived.is_set, f"a {self.method} is held")

    def pass_on(self) -> None:
        """Let it go on."""
        self._going.set()

    def hold(self) -> None:
        self.arrived.set()
        self._going.wait()


class Between:
    """The way; `asked` is the method of every request that came, in order, over so many `connections`."""

    def __init__(self, cluster: Access) -> None:
        settings = cluster.api.configuration
        self.host = settings.host
        self.pool = urllib3.PoolManager(ca_certs=settings.ssl_ca_cert, retries=False, maxsize=64)
        self.asked: list[str] = []
        self.connections = 0
        self.url = ""
        self._held: list[Held] = []

    def hold_next(self, method: str, *, before: bool) -> Held:
        """Hold the next request of this method, before it is passed on or afterwards."""
        self._held.append(Held(method, before=before))
        return self._held[-1]

    def write_kubeconfig(self, path: Path, token: str) -> Path:
        """A kubeconfig that leads this way."""
        names = {"cluster": "c", "user": "u"}
        kubeconfig = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "x",
            "contexts": [{"name": "x", "context": names}],
            "clusters": [{"name": "c", "cluster": {"server": self.url}}],
            "users": [{"name": "u", "user": {"token": token}}],
        }
        path.write_bytes(msgspec.yaml.encode(kubeconfig))
        return path

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        """Pass one request on, and its answer back."""
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        self.asked.append(handler.command)
        held = next((one for one in self._held if one.method == handler.command and not one.arrived.is_set()), None)
        if held and held.is_before:
            held.hold()
        headers = {name: value for name, value in handler.headers.items() if name.lower() not in NOT_PASSED_ON}
        answer = self.pool.request(handler.command, self.host + handler.path, body=body or None, headers=headers)
        if held and not held.is_before:
            held.hold()
        if held:
            held.over.set()
        with suppress(OSError):  # whoever asked is dead, or has lost patience
            handler.send_response(answer.status)
            handler.send_header("Content-Type", answer.headers.get("Content-Type", "application/json"))
            handler.send_header("Content-Length", str(len(answer.data)))
            handler.end_headers()
            handler.wfile.write(answer.data)

    def release(self) -> None:
        """Let everything go on that is held."""
        for one in self._held:
            one.pass_on()


@contextmanager
def open_way(cluster: Access) -> Iterator[Between]:
    """The way to a cluster; nothing of it is left at the end."""
    way = Between(cluster)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            way.connections += 1
            super().setup()

        def log_message(self, *_: object) -> None: ...

    def serve(handler: BaseHTTPRequestHandler) -> None:
        way.serve(handler)

    for method in ("GET", "POST", "PATCH", "DELETE"):
        setattr(Handler, f"do_{method}", serve)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    way.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield way
    finally:
        way.release()
        server.shutdown()
        thread.join()
        server.server_close()
        way.pool.clear()
