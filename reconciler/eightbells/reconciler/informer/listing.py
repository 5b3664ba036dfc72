"""A complete list of one resource of one scope, page by page, into the cache: what is not in it is gone."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from eightbells.reconciler.informer.cache import Cache
from eightbells.reconciler.informer.connection import Connection
from eightbells.reconciler.informer.errors import Unavailable
from eightbells.reconciler.informer.intake import Intake
from eightbells.reconciler.informer.views import Kind
from eightbells.reconciler.informer.wire import BROKEN, PAGES, Page, list_parameters, path_of


class Listing:
    """Of one resource of one scope."""

    def __init__(self, kind: Kind, scope: str, connection: Connection, cache: Cache, intake: Intake) -> None:
        self._kind = kind
        self._scope = scope
        self._connection = connection
        self._cache = cache
        self._intake = intake

    def read(self, seen_at: datetime | None, announce: Callable[[Iterable[str]], None]) -> str:
        """Take in everything, announce what has changed, and return the list's version. Raises `ClusterError`.

        `seen_at`: when what is gone since was last known to be there.
        """
        version, listed = "", defaultdict[str, set[str]](set)
        for page in self._pages():
            version = page.metadata.resource_version or version
            for raw in page.items or ():
                taken = self._intake.take(raw)
                listed[taken.namespace].add(taken.uid)
                announce(taken.changed)
        if self._kind == "jobs":
            announce(self._cache.keep_jobs(self._scope, listed, seen_at))
        else:
            announce(self._cache.keep_pods(self._scope, listed))
        return version

    def _pages(self) -> Iterator[Page]:
        path, more = path_of(self._kind, self._scope), ""
        while True:
            body = self._connection.get(path, list_parameters(more))
            try:
                page = PAGES.decode(body)
            except BROKEN as error:
                raise Unavailable(f"GET {path} answers with what is no list: {error}") from None
            yield page
            more = page.metadata.more or ""
            if not more:
                return
