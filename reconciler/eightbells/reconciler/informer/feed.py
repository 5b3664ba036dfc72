"""One resource of one scope: list, then watch, and list again whenever the watch may have missed something.

A watch that ends without a complete line is followed by a list and never by a watch from the same version, for a
version from the future is answered by silence. What a gap has hidden, the next complete list tells.
"""

import logging
import threading
from collections.abc import Callable, Iterable

from eightbells.reconciler.informer.cache import Cache
from eightbells.reconciler.informer.connection import Connection
from eightbells.reconciler.informer.errors import ClusterError, Expired, Forbidden, Unavailable
from eightbells.reconciler.informer.intake import Intake
from eightbells.reconciler.informer.listing import Listing
from eightbells.reconciler.informer.pace import Pace, Timings
from eightbells.reconciler.informer.stream import Stream
from eightbells.reconciler.informer.tally import Tally
from eightbells.reconciler.informer.views import Kind
from eightbells.reconciler.informer.wire import BROKEN, ENVELOPES, HEADS, STATUSES, path_of, watch_parameters
from msgspec import Struct

_log = logging.getLogger(__name__)

GRANT = "grant get, list and watch of it, as deploy/reconciler-role.yaml does"


class Shared(Struct, frozen=True):
    """What all feeds have in common. `announce` gets a scope, and the UIDs of the Jobs that have changed."""

    connection: Connection
    cache: Cache
    tally: Tally
    timings: Timings
    over: threading.Event
    announce: Callable[[str, Iterable[str]], None]


class Feed:
    """`run`, `list_all` and `suffer` are for its own thread, everything else for any."""

    def __init__(self, kind: Kind, scope: str, shared: Shared) -> None:
        self.listed = threading.Event()
        self._kind: Kind = kind
        self._scope = scope
        self._shared = shared
        self._clock = shared.cache.clock
        self._view = shared.cache.views.open(kind, scope)
        self._pace = Pace(shared.timings, shared.over, self._clock.monotonic)
        self._intake = Intake(kind, shared.cache, shared.tally)
        self._listing = Listing(kind, scope, shared.connection, shared.cache, self._intake)
        self._cause = "start"
        self._version = ""
        self._is_just_listed = False
        self._stream: Stream | None = None
        self._opened_at = 0.0
        self._trouble = ""

    def run(self, first: "Feed | None" = None) -> None:
        """Go on until it is over. `first` is listed before this one, so that pods are never the older half."""
        while not self._shared.over.is_set():
            if self._cause and first and not first.listed.wait(0.5):
                continue
            try:
                if self._cause:
                    self.list_all()
                else:
                    self._watch()
            except ClusterError as error:
                self.suffer(error)

    def list_all(self) -> None:
        """List everything, and tell what is no longer there. Raises `ClusterError`."""
        self._pace.wait()
        if self._shared.over.is_set():
            return
        cause, self._cause = self._cause or "poll", ""
        self._shared.tally.relisted(cause)
        before, begun = self._view.at, self._clock.monotonic()
        try:
            seen_at = None if before is None else self._clock.at(before)
            self._version = self._listing.read(seen_at, self._announce)
        except ClusterError:
            self._cause = self._cause or cause
            raise
        was_listed = self._view.is_listed
        self._view.listed(begun)
        self.listed.set()
        self._is_just_listed = True
        if not was_listed:
            self._announce(self._shared.cache.uids(self._scope))

    def went_well(self) -> None:
        """Forget what did not."""
        self._pace.went_well()
        if self._trouble:
            _log.info("the cluster is in view again", extra=self._fields("in_view"))
        self._trouble = ""

    def suffer(self, error: ClusterError) -> None:
        """Say what does not work, once, and wait before the next request."""
        self._pace.failed(error)
        if str(error) != self._trouble:
            remedy = f"; {GRANT}" if isinstance(error, Forbidden) else ""
            fields = self._fields("out_of_view", error=f"{error}{remedy}")
            _log.warning("the cluster is not in view, and will be tried again", extra=fields)
        self._trouble = str(error)

    def ask_for_list(self) -> None:
        """List again, now."""
        self.listed.clear()
        self._cause = "asked"
        self.wake()

    def wake(self) -> None:
        """Wait no longer for anything, and end the stream, if there is one."""
        self._pace.wake()
        self._cut()

    def cut_overdue(self) -> None:
        """End a stream that has had no complete line for too long, whatever bytes came."""
        since = max(self._opened_at, self._view.at or 0.0)
        if self._clock.monotonic() - since > self._shared.timings.overdue:
            self._cut()

    def _cut(self) -> None:
        if stream := self._stream:
            stream.cut()

    def _watch(self) -> None:
        if self._is_just_listed:
            self._is_just_listed = False
            self._pace.asked()
        else:
            self._pace.wait()
        if self._is_called:
            return
        timings = self._shared.timings
        asked = watch_parameters(self._version, timings.watch_seconds())
        path = path_of(self._kind, self._scope)
        try:
            stream = self._shared.connection.stream(path, asked, silence=timings.silence)
        except Expired:
            self._cause = "expired"
            self._pace.failed()
            return
        except Unavailable as error:
            # It may come back from a backup, with another past under the same versions. 429 is no absence.
            if error.retry_after is None:
                self._cause = "outage"
            raise
        self._follow(stream)

    def _follow(self, stream: Stream) -> None:
        """Take in the lines of a watch until it ends; without any, a list must follow."""
        self._opened_at, self._stream, lines = self._clock.monotonic(), stream, 0
        try:
            # Whoever wakes us sets what for and then cuts; so the stream is there before we look.
            for line in stream.lines() if not self._is_called else ():
                if cause := self._take(line):
                    self._cause, lines = self._cause or cause, 0
                    return
                lines += 1
                self._view.at = self._clock.monotonic()
                if lines == 1:
                    self.went_well()
                if self._is_called:
                    return
        except Unavailable as error:
            _log.debug("a watch broke", extra=self._fields("watch_broke", error=str(error)))
        finally:
            self._stream = None
            stream.close()
            if not lines and not self._is_called:
                self._cause = "silent"
            if not lines:
                self._pace.failed()

    @property
    def _is_called(self) -> bool:
        return bool(self._cause) or self._shared.over.is_set()

    def _take(self, line: bytes) -> str:
        """Take in one line; return why a list must follow, if one must."""
        try:
            envelope = ENVELOPES.decode(line)
            if envelope.type == "ERROR":
                return "expired" if STATUSES.decode(envelope.object).code == 410 else "error"
            if envelope.type == "BOOKMARK":
                self._version = HEADS.decode(envelope.object).metadata.resource_version or self._version
                return ""
        except BROKEN as error:
            self._shared.tally.failed_to_decode()
            _log.warning("a watch says what is no event", extra=self._fields("garbled", error=str(error)))
            return "garbled"
        taken = self._intake.take(envelope.object, is_gone=envelope.type == "DELETED")
        self._announce(taken.changed)
        self._version = taken.version or self._version
        return ""

    def _announce(self, uids: Iterable[str]) -> None:
        self._shared.announce(self._scope, uids)

    def _fields(self, action: str, **more: str) -> dict[str, str]:
        return {"action": action, "resource": self._kind, "scope": self._scope or "all namespaces", **more}
