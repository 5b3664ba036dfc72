"""A connection to the Kubernetes API over the official client's pool, which here resends nothing and follows nothing:
who made a request decides what its loss means.

No more requests are under way than the pool has connections, so that each is kept and none is thrown away. A request
that must not be sent after some moment is looked at once more just before it is.
"""

import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import msgspec
import urllib3
from eightbells.dispatcher.access import PLUGIN_SECONDS, Access, Admission
from eightbells.dispatcher.credentials import Credentials, find_credentials, given_credentials
from eightbells.dispatcher.errors import AnswerLost, TooLate, Unavailable
from kubernetes import client
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    LocationValueError,
    NewConnectionError,
    ProxyError,
)

CONNECT_SECONDS = 5.0

NOTHING_SENT = (NewConnectionError, ConnectTimeoutError, ProxyError, LocationValueError)
"""Errors after which nothing can have been done."""


NO_HANDSHAKE = ("CERTIFICATE_VERIFY_FAILED", "WRONG_VERSION_NUMBER", "Hostname mismatch")
"""What TLS calls errors that come before anything is sent."""


class Answer(msgspec.Struct, frozen=True):
    """What the API answered: `body` is its JSON; `retry_after` is seconds, where it asks for some."""

    status: int
    body: bytes
    retry_after: float | None = None


class Request(msgspec.Struct, frozen=True):
    """What is asked. It is not sent after `until`, a moment of the clock."""

    method: str
    path: str
    body: bytes | None
    kind: str
    until: float | None

    @property
    def headers(self) -> dict[str, str]:
        """What does not depend on who asks."""
        kind = {} if self.body is None else {"Content-Type": f"application/{self.kind}"}
        return {"Accept": "application/json", "User-Agent": "eightbells-dispatcher", **kind}


class Connection:
    """Threads share it; it keeps up to `connections` open. An answer may take `seconds`, a plugin `plugin_seconds`."""

    def __init__(
        self,
        credentials: Credentials,
        *,
        connections: int = 64,
        seconds: float = 35.0,
        plugin_seconds: float = PLUGIN_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._access = Access(credentials, connections, clock, plugin_seconds)
        self._room = threading.BoundedSemaphore(connections)
        self._seconds = seconds
        self._clock = clock

    @classmethod
    def find(cls, kubeconfig: str | None = None, context: str | None = None, **options: Any) -> "Connection":
        """Connect as kubectl would: by the kubeconfig that is named, $KUBECONFIG, ~/.kube/config, or as this pod."""
        return cls(find_credentials(kubeconfig, context), **options)

    @classmethod
    def of(cls, given: client.ApiClient, **options: Any) -> "Connection":
        """Connect as a client does that somebody else has configured, and which stays as it is."""
        return cls(given_credentials(given), **options)

    def request(
        self, method: str, path: str, *, body: Any = None, kind: str = "json", until: float | None = None, **query: str
    ) -> Answer:
        """Make one request, and once more where its credentials were refused and there are new ones.

        Raises `TooLate` where `until`, a moment of the clock, passes before it is sent; `AnswerLost` where nobody knows
        whether it was done; otherwise `Unavailable`.
        """
        path += "?" + urlencode(query) if query else ""
        request = Request(method, path, None if body is None else msgspec.json.encode(body), kind, until)
        with self._room:
            admission = self._access.current()
            answer = self._send(admission, request)
            if answer.status == 401 and self._access.renew(admission.client):
                answer = self._send(self._access.current(), request)
        return answer

    def close(self) -> None:
        """Close what is open; it is opened again when it is needed."""
        self._access.close()

    def _send(self, admission: Admission, request: Request) -> Answer:
        used = admission.client
        try:
            got = used.rest_client.pool_manager.request(
                request.method,
                used.configuration.host + request.path,
                body=request.body,
                headers={**request.headers, **admission.headers},
                timeout=urllib3.Timeout(connect=self._time_to_connect(request), read=self._seconds),
                retries=False,
                redirect=False,
            )
        except NOTHING_SENT as error:
            raise Unavailable(f"the API server cannot be reached: {error}") from None
        except HTTPError as error:
            if any(one in str(error) for one in NO_HANDSHAKE):
                raise Unavailable(f"the API server is not the one of the kubeconfig: {error}") from None
            raise AnswerLost(f"no answer of the API server to {request.method} {request.path}: {error}") from None
        return Answer(got.status, got.data, seconds_of(got.headers.get("Retry-After")))

    def _time_to_connect(self, request: Request) -> float:
        """Return the seconds that connecting may take, so that nothing is sent too late."""
        if request.until is None:
            return CONNECT_SECONDS
        left = request.until - self._clock()
        if left <= 0:
            raise TooLate(f"{request.method} {request.path} was not sent in time: submitting again is safe")
        return min(CONNECT_SECONDS, left)


def seconds_of(retry_after: str | None) -> float | None:
    """Return the seconds of a Retry-After header, which Kubernetes gives as a number."""
    text = (retry_after or "").strip()
    return float(text) if text.isascii() and text.isdigit() else None
