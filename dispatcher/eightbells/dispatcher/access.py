"""Who we are to the API, from one request to the next: a client that is neither old nor outdated, and the headers that
let it in.

The credentials are asked for at each request, by one thread at a time for all who wait, and in a thread of its own:
reading them may run a plugin, and one that hangs costs those who wait a limited time and nobody anything else.
"""

import copy
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

import msgspec
from eightbells.dispatcher.credentials import Credentials
from eightbells.dispatcher.errors import Unavailable
from kubernetes.client import ApiClient, Configuration

AGE_SECONDS = 3600.0
"""After which the client is built anew: a plugin's certificate, and the certificates of a pool, are read only once."""

PAUSE_SECONDS = 10.0
"""Between two builds: a plugin may open a browser, and thousands of submits share what it says."""

PLUGIN_SECONDS = 60.0
"""What a plugin is given: it may ask a person, or a service far away."""


class Admission(msgspec.Struct, frozen=True):
    """A client, and the headers of one request."""

    client: ApiClient
    headers: dict[str, str]


class Built(msgspec.Struct, frozen=True):
    """A client, and what it was built from, when, and in which state of its files."""

    client: ApiClient
    configuration: Configuration
    at: float
    state: tuple[float, ...]


class Access:
    """Threads share it. Its clients keep up to `connections` open."""

    def __init__(
        self,
        credentials: Credentials,
        connections: int,
        clock: Callable[[], float] = time.monotonic,
        seconds: float = PLUGIN_SECONDS,
    ) -> None:
        self._credentials = credentials
        self._connections = connections
        self._clock = clock
        self._seconds = seconds
        self._lock = threading.Lock()
        self._asking: Future[Admission | str] | None = None
        self._asked_at = 0.0
        self._built: Built | None = None
        self._failure = ""
        self._failed_at = 0.0

    def current(self) -> Admission:
        """Return a client and the headers of this moment. Raises `Unavailable`."""
        with self._lock:
            now = self._clock()
            if self._asking is None or self._asking.done():
                self._asking, self._asked_at = Future(), now
                threading.Thread(target=self._ask, args=(self._asking,), name="credentials", daemon=True).start()
            asking, left = self._asking, self._asked_at + self._seconds - now
        try:
            found = asking.result(max(0.0, left))
        except TimeoutError:
            raise Unavailable(
                f"{self._credentials.source} has yielded no credentials for {self._seconds:g} seconds: see what the "
                "plugin that it names is waiting for, and end it"
            ) from None
        if isinstance(found, str):
            raise Unavailable(found)
        return found

    def renew(self, refused: ApiClient) -> bool:
        """Let the client be built anew after its credentials were refused; return whether there may be another now."""
        with self._lock:
            built = self._built
            if built is not None and built.client is refused:
                if self._clock() - built.at <= PAUSE_SECONDS:
                    return False
                self._built = self._asking = None
            return True

    def close(self) -> None:
        """Close what is open; it is opened again when it is needed."""
        with self._lock:
            built, self._built = self._built, None
        if built is not None:
            built.client.rest_client.close()

    def _ask(self, asking: "Future[Admission | str]") -> None:
        try:
            asking.set_result(self._admit())
        except Unavailable as error:
            asking.set_result(str(error))
        except BaseException as error:  # noqa: BLE001 - whoever waits is to know, whatever it is
            asking.set_exception(error)

    def _admit(self) -> Admission:
        now, state, built = self._clock(), self._credentials.state(), self._built
        if self._failure and now - self._failed_at < PAUSE_SECONDS:
            raise Unavailable(self._failure)
        if built is None or now - built.at > AGE_SECONDS or state != built.state:
            built = self._build(now, state)
        return Admission(built.client, self._credentials.headers(built.configuration))

    def _build(self, now: float, state: tuple[float, ...]) -> Built:
        # The old one is not closed: requests may be under way on it, and it goes with the last of them.
        self._built, self._failure, self._failed_at = None, "", now
        try:
            configuration = self._credentials.read()
        except Unavailable as failure:
            self._failure = str(failure)
            raise
        own = copy.copy(configuration)  # what somebody has given us is not ours to change
        own.connection_pool_maxsize = self._connections
        self._built = Built(ApiClient(own), configuration, now, state)
        return self._built
