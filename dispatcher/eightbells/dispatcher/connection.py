"""A connection to the Kubernetes API over the official client's pool, which here resends nothing and follows nothing:
who made a request decides what its loss means.

The credentials are asked for at each request. The client is built anew when their files change, when they are refused,
and every hour. Without credentials there is an outage, never an anonymous request.
"""

import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import msgspec
import urllib3
from eightbells.dispatcher.credentials import Credentials, authorization, find_credentials
from eightbells.dispatcher.errors import AnswerLost, Unavailable
from kubernetes import client
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ProxyError

CONNECT_SECONDS = 5.0

AGE_SECONDS = 3600.0
"""After which the client is built anew: a plugin's certificate, and the certificates of a pool, are read only once."""

PAUSE_SECONDS = 10.0
"""Between two builds: a plugin may open a browser, and thousands of submits share what it says."""


class Answer(msgspec.Struct, frozen=True):
    """What the API answered: `body` is its JSON; `retry_after` is seconds, where it asks for some."""

    status: int
    body: bytes
    retry_after: float | None = None


class Connection:
    """Threads share it; it keeps up to `connections` open. An answer may take `seconds`."""

    def __init__(
        self,
        credentials: Credentials,
        *,
        connections: int = 64,
        seconds: float = 35.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._credentials = credentials
        self._connections = connections
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._client: client.ApiClient | None = None
        self._failure: Unavailable | None = None
        self._built_at = 0.0
        self._state: tuple[float, ...] = ()

    @classmethod
    def find(cls, kubeconfig: str | None = None, context: str | None = None, **options: Any) -> "Connection":
        """Connect as kubectl would: by the kubeconfig that is named, $KUBECONFIG, ~/.kube/config, or as this pod."""
        return cls(find_credentials(kubeconfig, context), **options)

    @classmethod
    def of(cls, given: client.ApiClient, **options: Any) -> "Connection":
        """Connect as a client does that somebody else has configured."""
        return cls(Credentials(lambda: given.configuration), **options)

    def request(self, method: str, path: str, *, body: Any = None, kind: str = "json", **query: str) -> Answer:
        """Make one request, and once more where its credentials were refused and there are new ones.

        Raises `AnswerLost` where nobody knows whether it was done, otherwise `Unavailable`.
        """
        used, headers = self._current()
        answer = self._send(used, headers, method, path, body=body, kind=kind, query=query)
        if answer.status == 401 and self._renew(used):
            used, headers = self._current()
            answer = self._send(used, headers, method, path, body=body, kind=kind, query=query)
        return answer

    def close(self) -> None:
        """Close what is open; it is opened again when it is needed."""
        with self._lock:
            if self._client is not None:
                self._client.rest_client.close()
            self._client = None

    def _send(self, used: client.ApiClient, headers: dict[str, str], method: str, path: str, **more: Any) -> Answer:
        body, query = more["body"], more["query"]
        if body is not None:
            body, headers = msgspec.json.encode(body), {**headers, "Content-Type": f"application/{more['kind']}"}
        try:
            got = used.rest_client.pool_manager.request(
                method,
                used.configuration.host + path + ("?" + urlencode(query) if query else ""),
                body=body,
                headers={"Accept": "application/json", "User-Agent": "eightbells-dispatcher", **headers},
                timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=self._seconds),
                retries=False,
                redirect=False,
            )
        except (NewConnectionError, ConnectTimeoutError, ProxyError) as error:
            raise Unavailable(f"the API server cannot be reached: {error}") from None
        except HTTPError as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise Unavailable(f"the API server is not the one of the kubeconfig: {error}") from None
            raise AnswerLost(f"no answer of the API server to {method} {path}: {error}") from None
        return Answer(got.status, got.data, seconds_of(got.headers.get("Retry-After")))

    def _current(self) -> tuple[client.ApiClient, dict[str, str]]:
        """Return a client that is neither old nor outdated, and the header that lets it in."""
        with self._lock:
            now = self._clock()
            if self._failure is not None and now - self._built_at < PAUSE_SECONDS:
                raise self._failure
            found = self._client
            if found is None or now - self._built_at > AGE_SECONDS or self._state != self._credentials.state():
                found = self._build(now)
            return found, authorization(found.configuration)

    def _renew(self, refused: client.ApiClient) -> bool:
        """Build the client anew after its credentials were refused; return whether there is another now."""
        with self._lock:
            now = self._clock()
            if refused is self._client and now - self._built_at > PAUSE_SECONDS:
                self._build(now)
            return refused is not self._client

    def _build(self, now: float) -> client.ApiClient:
        # The old one is not closed: requests may be under way on it, and it goes with the last of them.
        self._client, self._failure, self._built_at = None, None, now
        self._state = self._credentials.state()
        try:
            configuration = self._credentials.read()
        except Unavailable as failure:
            self._failure = failure
            raise
        configuration.connection_pool_maxsize = self._connections
        self._client = client.ApiClient(configuration)
        return self._client


def seconds_of(retry_after: str | None) -> float | None:
    """Return the seconds of a Retry-After header, which Kubernetes gives as a number."""
    return float(retry_after) if retry_after and retry_after.strip().isdigit() else None
