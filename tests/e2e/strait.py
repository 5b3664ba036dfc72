"""A way to the real API server on which the answers to lists and watches go wrong, as a test says.

What is not told to go wrong is passed on, line by line. What the API server itself does is its own affair.
"""

import socket
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from tests.cluster.access import Access
from tests.dispatcher.faults import Api
from tests.reconciler.informer.breaking import CLOSE, PAUSE, RESET, Refusal, begin, end, is_closed, refuse, write
from tests.reconciler.informer.serving import serving

Fault = str | Refusal

PASSED_ON = ("Accept", "Authorization", "User-Agent")


class Asked(NamedTuple):
    """A request as it came: `verb` is list or watch."""

    kind: str
    verb: str
    version: str
    authorization: str | None


class Passing:
    """A watch that is being passed on."""

    def __init__(self, kind: str, answer: urllib3.BaseHTTPResponse, client: socket.socket) -> None:
        self.kind = kind
        self.answer = answer
        self.client = client
        self.how = ""

    def cut(self, how: str) -> None:
        """End it in some way."""
        self.how = how
        with suppress(ValueError, RuntimeError, OSError):
            self.answer.shutdown()


class Strait:
    """The way; `asked` is every list and watch that came, in order."""

    def __init__(self, cluster: Access) -> None:
        settings = cluster.api.configuration
        self.asked: list[Asked] = []
        self.url = ""
        self.is_over = False
        self._host = settings.host
        self._pool = urllib3.PoolManager(ca_certs=settings.ssl_ca_cert, retries=False, maxsize=16)
        self._lock = threading.Lock()
        self._faults: dict[tuple[str, str], deque[Fault]] = defaultdict(deque)
        self._passing: list[Passing] = []
        self._is_closed = False

    def write_kubeconfig(self, path: Path, token: str) -> Path:
        """A kubeconfig that leads this way."""
        api = Api()
        api.url = self.url
        return api.write_kubeconfig(path, token=token)

    def fail(self, kind: str, verb: str, *faults: Fault) -> None:
        """Say what becomes of the next lists, or watches, of a kind."""
        with self._lock:
            self._faults[kind, verb].extend(faults)

    def cut(self, kind: str, how: str) -> None:
        """End every open watch of a kind."""
        with self._lock:
            found = [one for one in self._passing if one.kind == kind]
        for one in found:
            one.cut(how)

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Nothing passes meanwhile."""
        self._is_closed = True
        for kind in ("jobs", "pods"):
            self.cut(kind, RESET)
        yield
        self._is_closed = False

    def count(self, kind: str, verb: str) -> int:
        """How often a kind was listed or watched."""
        return sum((one.kind, one.verb) == (kind, verb) for one in self.asked)

    def watch_clients(self) -> None:
        """Cut what nobody reads any more, until it is over: nobody else would notice before the next line."""
        while not self.is_over:
            with self._lock:
                left = [one for one in self._passing if is_closed(one.client)]
            for one in left:
                one.cut(CLOSE)
            time.sleep(PAUSE)

    def close(self) -> None:
        """Cut everything, and close what is open."""
        self.is_over = True
        for kind in ("jobs", "pods"):
            self.cut(kind, RESET)
        self._pool.clear()

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        parts = urlsplit(handler.path)
        query = parse_qs(parts.query)
        kind, verb = parts.path.rpartition("/")[2], "watch" if "watch" in query else "list"
        version = query.get("resourceVersion", [""])[0]
        with self._lock:
            self.asked.append(Asked(kind, verb, version, handler.headers.get("Authorization")))
            faults = self._faults[kind, verb]
            fault: Fault | None = faults.popleft() if faults else None
        if self._is_closed:
            fault = Refusal(503)
        if isinstance(fault, Refusal):
            refuse(handler, fault)
        elif fault and verb == "list":
            end(handler, fault, lambda: self.is_over)
        elif fault:
            begin(handler)
            end(handler, fault, lambda: self.is_over)
        else:
            self._pass(handler, kind, verb)

    def _pass(self, handler: BaseHTTPRequestHandler, kind: str, verb: str) -> None:
        headers = {name: handler.headers[name] for name in PASSED_ON if name in handler.headers}
        answer = self._pool.request("GET", self._host + handler.path, headers=headers, preload_content=False)
        if verb == "list" or answer.status != 200:
            self._pass_body(handler, answer)
            return
        passing = Passing(kind, answer, handler.connection)
        with self._lock:
            self._passing.append(passing)
        begin(handler)
        with suppress(HTTPError):
            while piece := answer.read1(1 << 16):
                write(handler, piece)
        with self._lock:
            self._passing.remove(passing)
        answer.close()
        end(handler, passing.how or CLOSE, lambda: self.is_over)

    def _pass_body(self, handler: BaseHTTPRequestHandler, answer: urllib3.BaseHTTPResponse) -> None:
        body = answer.data
        handler.send_response(answer.status)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


@contextmanager
def open_strait(cluster: Access) -> Iterator[Strait]:
    """The way to a cluster; nothing of it is left at the end."""
    strait = Strait(cluster)
    watching = threading.Thread(target=strait.watch_clients)
    watching.start()
    with serving(strait.serve) as strait.url:
        try:
            yield strait
        finally:
            strait.close()
            watching.join()
