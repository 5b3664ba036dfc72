"""Who we are to the cluster, made ready for each request: the official client, and the header that lets it in.

The client is built anew when the files that it was made from change, when it is refused, and every hour. It is made
beside whoever asks, because a credential plugin may hang: that holds up nobody for longer than it may take.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from eightbells.reconciler.informer.credentials import Credentials, changes_of
from eightbells.reconciler.informer.errors import ClusterError, Unavailable
from kubernetes import client
from msgspec import Struct

AGE_SECONDS = 3600.0
"""After which the client is built anew: a plugin's certificate, and the certificates of a pool, are read only once."""

PAUSE_SECONDS = 10.0
"""Between two builds: a plugin may open a browser, and is not run at every request."""

PLUGIN_SECONDS = 30.0
"""How long a credential plugin may take before that is an outage."""


class Ready(Struct, frozen=True):
    """A client and the header that lets it in."""

    client: client.ApiClient
    headers: dict[str, str]


class Access:
    """Threads share it; its clients keep up to `connections` open."""

    def __init__(
        self,
        credentials: Credentials,
        *,
        connections: int = 16,
        plugin_seconds: float = PLUGIN_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._credentials = credentials
        self._connections = connections
        self._plugin_seconds = plugin_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._under_way: Future[Ready] | None = None
        self._client: client.ApiClient | None = None
        self._refused: client.ApiClient | None = None
        self._failure: ClusterError | None = None
        self._built_at: float | None = None
        self._files: tuple[Path, ...] = ()
        self._changes: tuple[int, ...] = ()

    def ready(self, refused: Ready | None = None) -> Ready:
        """Return a client that is neither old nor outdated, nor the one that was `refused` if there may be another."""
        with self._lock:
            if refused is not None:
                self._refused = refused.client
            made = self._under_way
            if made is None:
                made = self._under_way = Future()
                threading.Thread(target=self._prepare, args=(made,), name="credentials", daemon=True).start()
        try:
            return made.result(self._plugin_seconds)
        except TimeoutError:
            waited = f"has not returned for {self._plugin_seconds:g} s"
            raise Unavailable(f"the credential plugin of {self._credentials.source} {waited}") from None

    def close(self) -> None:
        """Close what is open; it is opened again when it is needed."""
        with self._lock:
            if self._client is not None:
                self._client.rest_client.close()
            self._client = None

    def _prepare(self, made: "Future[Ready]") -> None:
        """Only one thread at a time is in here."""
        try:
            used = self._current()
            ready = Ready(used, self._credentials.headers(used.configuration))
        except BaseException as error:  # noqa: BLE001  # whoever waits raises it
            self._under_way = None
            made.set_exception(error)
        else:
            self._under_way = None
            made.set_result(ready)

    def _current(self) -> client.ApiClient:
        now, found = self._clock(), self._client
        age = AGE_SECONDS if self._built_at is None else now - self._built_at
        if age >= AGE_SECONDS or changes_of(self._files) != self._changes:
            return self._build(now)
        if age < PAUSE_SECONDS and self._failure is not None:
            raise self._failure
        if found is None or (found is self._refused and age >= PAUSE_SECONDS):
            return self._build(now)
        return found

    def _build(self, now: float) -> client.ApiClient:
        # The old one is not closed: streams may be open on it, and it goes with the last of them.
        self._client, self._failure, self._built_at = None, None, now
        self._files = self._credentials.find_files()
        self._changes = changes_of(self._files)
        try:
            configuration = self._credentials.read()
            configuration.connection_pool_maxsize = self._connections
            self._client = client.ApiClient(configuration)
        except (OSError, ValueError) as error:  # a proxy, or a file, that the pool cannot use
            self._failure = Unavailable(f"no way to the cluster by {self._credentials.source}: {error}")
            raise self._failure from None
        except ClusterError as failure:
            self._failure = failure
            raise
        return self._client
