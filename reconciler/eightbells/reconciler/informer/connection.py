"""A connection to the Kubernetes API over the official client's pool, which here resends nothing and follows nothing.

The credentials are asked for at each request, and once more where they were refused and there are new ones. An answer
with an error is a typed one, in the API's own words. Each answer sets the clock.
"""

import time
from collections.abc import Callable, Mapping
from http.client import HTTPException
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

import msgspec
import urllib3
from eightbells.reconciler.informer.access import Access, Ready
from eightbells.reconciler.informer.clock import ClusterClock
from eightbells.reconciler.informer.credentials import Credentials, find_credentials
from eightbells.reconciler.informer.errors import ClusterError, Unavailable, error_of
from eightbells.reconciler.informer.stream import Stream
from urllib3.exceptions import HTTPError

CONNECT_SECONDS = 5.0

READ_SECONDS = 35.0
"""For a page of a list: an API server gives up after 60 s, and mostly far sooner."""

NO_MORE: Mapping[str, str] = MappingProxyType({})

AGENT = {"Accept": "application/json", "User-Agent": "eightbells-reconciler"}


class Connection:
    """Threads share it; it keeps up to `connections` open. `clock` is the API server's."""

    def __init__(
        self, credentials: Credentials, *, clock: Callable[[], float] = time.monotonic, **options: Any
    ) -> None:
        self.clock = ClusterClock(clock)
        self._access = Access(credentials, clock=clock, **options)

    @classmethod
    def find(cls, kubeconfig: str | None = None, context: str | None = None, **options: Any) -> "Connection":
        """Connect as kubectl would: by the kubeconfig that is named, $KUBECONFIG, ~/.kube/config, or as this pod."""
        return cls(find_credentials(kubeconfig, context), **options)

    @property
    def date_offset(self) -> float:
        """By how many seconds the API server's clock is ahead of this machine's."""
        return self.clock.offset

    def get(self, path: str, params: Mapping[str, str] | None = None, *, seconds: float = READ_SECONDS) -> bytes:
        """Return the answer's body. Raises what errors.py says."""
        return self._ask("GET", path, params or {}, seconds).data

    def change(self, method: str, path: str, body: Any, kind: str = "json") -> bytes:
        """Make one change and return the answer's body. It is not resent: after `Unavailable` it may have been done."""
        sent = {"body": msgspec.json.encode(body), "headers": {"Content-Type": f"application/{kind}"}}
        return self._ask(method, path, {}, READ_SECONDS, **sent).data

    def stream(self, path: str, params: Mapping[str, str], *, silence: float) -> Stream:
        """Return an answer that goes on, and breaks when nothing comes for `silence` seconds. Raises as `get` does."""
        # Whose end may be the connection's, too: the next request must not meet it there.
        return Stream(self._ask("GET", path, params, silence, preload_content=False, headers={"Connection": "close"}))

    def close(self) -> None:
        """Close what is open; it is opened again when it is needed."""
        self._access.close()

    def _ask(
        self, method: str, path: str, params: Mapping[str, str], seconds: float, **more: Any
    ) -> urllib3.BaseHTTPResponse:
        url = path + (f"?{urlencode(params)}" if params else "")
        used = self._access.ready()
        answer = self._send(used, method, url, seconds, **more)
        if answer.status == 401 and (renewed := self._access.ready(refused=used)).client is not used.client:
            answer.close()
            answer = self._send(renewed, method, url, seconds, **more)
        if answer.status >= 300:
            raise _error(answer, f"{method} {path}")
        return answer

    def _send(
        self, used: Ready, method: str, url: str, seconds: float, *, headers: Mapping[str, str] = NO_MORE, **how: Any
    ) -> urllib3.BaseHTTPResponse:
        host = used.client.configuration.host
        asked = self.clock.monotonic()
        try:
            answer: urllib3.BaseHTTPResponse = used.client.rest_client.pool_manager.request(
                method,
                host + url,
                headers={**AGENT, **used.headers, **headers},
                timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=seconds),
                retries=False,
                redirect=False,
                **how,
            )
        except (HTTPError, HTTPException, OSError) as error:
            said = "is not the one of the kubeconfig" if "CERTIFICATE_VERIFY" in str(error) else "does not answer"
            raise Unavailable(f"the API server at {host} {said}: {error}") from None
        self.clock.observe(answer.headers.get("Date"), asked, self.clock.monotonic())
        return answer


def seconds_of(retry_after: str | None) -> float | None:
    """Return the seconds of a Retry-After header, which Kubernetes gives as a number."""
    said = (retry_after or "").strip()
    return float(said) if said.isascii() and said.isdigit() else None


def _error(answer: urllib3.BaseHTTPResponse, what: str) -> ClusterError:
    try:
        body = answer.data
    except (HTTPError, HTTPException, OSError):
        body = b""
    answer.close()
    return error_of(answer.status, body, what, seconds_of(answer.headers.get("Retry-After")))
