"""An API server with as much of a Kubernetes list and watch as an informer needs, and every way in which they go wrong.

What a real one does is seen on a cluster, in tests/e2e; this one goes wrong on command.
"""

import json
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from eightbells.reconciler.informer.connection import Connection

from tests.dispatcher.faults import Api
from tests.reconciler.informer.breaking import EXPIRED, RESET, SILENCE, Refusal, begin, end, is_closed, refuse, write
from tests.reconciler.informer.serving import serving

PAUSE = 0.01
"""Seconds between two looks of an open stream at whether it is to be cut."""

Fault = str | Refusal


class Asked(NamedTuple):
    """A request as it came: `verb` is list or watch."""

    kind: str
    verb: str
    namespace: str
    params: dict[str, str]
    authorization: str | None
    at: float


class Entry(NamedTuple):
    """A line that a watch of a kind gets, if it began before that version."""

    version: int
    kind: str
    type: str
    object: dict[str, Any]


class Stage:
    """The objects, by kind and UID, and what is to go wrong with the next lists and watches."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.objects: dict[str, dict[str, dict[str, Any]]] = {"jobs": {}, "pods": {}}
        self.version = 100
        self.asked: list[Asked] = []
        self.is_over = False
        self.url = ""
        self._log: list[Entry] = []
        self._oldest = 0
        self._faults: dict[tuple[str, str], deque[Fault]] = defaultdict(deque)
        self._cuts: dict[str, list[tuple[str, int]]] = {"jobs": [], "pods": []}
        self._pages: dict[str, tuple[int, list[dict[str, Any]]]] = {}
        self._hidden = False

    # What a test does.

    def put(self, kind: str, obj: dict[str, Any]) -> None:
        """Create or change an object."""
        with self.changed:
            uid = obj["metadata"]["uid"]
            self._write(kind, "MODIFIED" if uid in self.objects[kind] else "ADDED", obj)

    def delete(self, kind: str, uid: str) -> None:
        """Delete an object."""
        with self.changed:
            self._write(kind, "DELETED", self.objects[kind][uid])

    def send(self, kind: str, change: str, obj: dict[str, Any]) -> None:
        """Send a line about something that is in no list."""
        with self.changed:
            self.version += 1
            self._log.append(Entry(self.version, kind, change, obj))

    def bookmark(self, kind: str) -> None:
        """Send a bookmark to who watches."""
        with self.changed:
            mark = {"kind": "Bookmark", "metadata": {"resourceVersion": str(self.version)}}
            self._log.append(Entry(self.version, kind, "BOOKMARK", mark))

    def fail(self, kind: str, verb: str, *faults: Fault) -> None:
        """Say what becomes of the next lists, or watches, of a kind; those behind them go well."""
        with self.changed:
            self._faults[kind, verb].extend(faults)

    def cut(self, kind: str, how: str) -> None:
        """End every open stream of a kind, after what has happened so far."""
        with self.changed:
            self._cuts[kind].append((how, len(self._log)))

    def compact(self) -> None:
        """Forget history: who watches from before must list."""
        with self.changed:
            self._oldest = self.version

    def restore(self, version: int, objects: dict[str, dict[str, dict[str, Any]]]) -> None:
        """Take back an old state, as from a backup of etcd: the streams end, and its versions are lower than known."""
        with self.changed:
            self.objects = {kind: dict(found) for kind, found in objects.items()}
            self.version = version
            self._oldest = 0
            for kind in self._cuts:
                self._cuts[kind].append((RESET, len(self._log)))
            self._log = []

    def backup(self) -> tuple[int, dict[str, dict[str, dict[str, Any]]]]:
        """Return the state, for `restore`."""
        with self.changed:
            return self.version, {kind: dict(found) for kind, found in self.objects.items()}

    @contextmanager
    def gap(self) -> Iterator[None]:
        """Nobody is told of what happens meanwhile, nor served."""
        with self.changed:
            self._hidden = True
            for kind in self._cuts:
                self._cuts[kind].append((RESET, len(self._log)))
        yield
        with self.changed:
            self._hidden = False

    def count(self, kind: str, verb: str) -> int:
        """How often a kind was listed, pages apart, or watched."""
        return sum((one.kind, one.verb) == (kind, verb) and "continue" not in one.params for one in self.asked)

    def connect(self, directory: Path, **options: Any) -> Connection:
        """A connection by a kubeconfig with a token."""
        api = Api()
        api.url = self.url
        return Connection.find(str(api.write_kubeconfig(directory / "kubeconfig", token="t0ken")), **options)

    def _write(self, kind: str, change: str, obj: dict[str, Any]) -> None:
        self.version += 1
        obj = {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self.version)}}
        if change == "DELETED":
            del self.objects[kind][obj["metadata"]["uid"]]
        else:
            self.objects[kind][obj["metadata"]["uid"]] = obj
        self._log.append(Entry(self.version, kind, change, obj))

    # What a server does.

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        params = dict(parse_qsl(parts.query))
        *_, namespace, kind = ["", *parts.path.split("/")]
        verb, namespace = "watch" if "watch" in params else "list", namespace if "/namespaces/" in parts.path else ""
        asked = Asked(kind, verb, namespace, params, handler.headers.get("Authorization"), time.monotonic())
        with self.changed:
            self.asked.append(asked)
            faults = self._faults[kind, verb]
            fault: Fault | None = Refusal(503) if self._hidden else faults.popleft() if faults else None
        if isinstance(fault, Refusal):
            refuse(handler, fault)
        elif verb == "list" and fault:
            end(handler, fault, lambda: self.is_over)
        elif verb == "list":
            self._list(handler, asked)
        else:
            self._watch(handler, asked, fault)

    def _list(self, handler: BaseHTTPRequestHandler, asked: Asked) -> None:
        with self.changed:
            if more := asked.params.get("continue"):
                version, items = self._pages.pop(more)
            else:
                found = self.objects[asked.kind].values()
                version = self.version
                items = [one for one in found if asked.namespace in {"", one["metadata"]["namespace"]}]
            limit = int(asked.params["limit"])
            metadata = {"resourceVersion": str(version)}
            if len(items) > limit:
                metadata["continue"] = f"page-{len(self.asked)}"
                self._pages[metadata["continue"]] = (version, items[limit:])
        body = json.dumps({"metadata": metadata, "items": items[:limit]}).encode()
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def _watch(self, handler: BaseHTTPRequestHandler, asked: Asked, fault: Fault | None) -> None:
        begun = int(asked.params["resourceVersion"])
        with self.changed:
            cuts = len(self._cuts[asked.kind])
            is_old = begun < self._oldest
            at = next((number for number, one in enumerate(self._log) if one.version > begun), len(self._log))
            log = self._log
        begin(handler)
        if fault or is_old:
            end(handler, str(fault or EXPIRED), lambda: self.is_over)
            return
        if begun > self.version:
            end(handler, SILENCE, lambda: self.is_over)  # a version from the future
            return
        while not self.is_over and not is_closed(handler.connection):
            with self.changed:
                cut, until = next(iter(self._cuts[asked.kind][cuts:]), ("", len(log)))
                lines = [one for one in log[at:until] if one.kind == asked.kind]
                at = len(log)
            for one in lines:
                if asked.namespace in {"", (one.object.get("metadata") or {}).get("namespace", asked.namespace)}:
                    write(handler, json.dumps({"type": one.type, "object": one.object}).encode() + b"\n")
            if cut:
                end(handler, cut, lambda: self.is_over)
                return
            time.sleep(PAUSE)
        handler.close_connection = True

    @contextmanager
    def serving(self) -> Iterator["Stage"]:
        """Serve until the end."""
        with serving(self.serve) as self.url:
            yield self
            self.is_over = True
