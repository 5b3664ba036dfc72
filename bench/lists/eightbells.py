"""Our informer's list: decoded, kept, compared with what was known, and announced."""

from eightbells.reconciler.informer.cache import Cache
from eightbells.reconciler.informer.connection import Connection
from eightbells.reconciler.informer.intake import Intake
from eightbells.reconciler.informer.listing import Listing
from eightbells.reconciler.informer.tally import Tally


def read(kubeconfig: str) -> Cache:
    """Return the cache."""
    connection = Connection.find(kubeconfig)
    cache = Cache(connection.clock)
    intake = Intake("pods", cache, Tally())
    Listing("pods", "", connection, cache, intake).read(None, lambda _: None)
    return cache
