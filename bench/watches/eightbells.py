"""Our informer as it comes: decoded, compared, kept and announced; with `classified` also decided on, each time."""

import threading

from eightbells.reconciler.classify import classify
from eightbells.reconciler.informer.cache import Cache
from eightbells.reconciler.informer.connection import Connection
from eightbells.reconciler.informer.informer import Informer

from bench.laps import Laps

SECONDS = 120.0


def watch(kubeconfig: str, laps: Laps) -> None:
    """Take in every event."""
    follow(kubeconfig, laps, is_classified=False)


def watch_and_classify(kubeconfig: str, laps: Laps) -> None:
    """Decide after every event; the reconciler decides once about all that have come since it last looked."""
    follow(kubeconfig, laps, is_classified=True)


def follow(kubeconfig: str, laps: Laps, *, is_classified: bool) -> None:
    connection = Connection.find(kubeconfig)
    cache, over = Cache(connection.clock), threading.Event()

    def changed(uid: str) -> None:
        if is_classified:
            classify(cache.snapshot(uid), cache.clock.now())
        if laps.add():
            over.set()

    informer = Informer(connection, cache, (), changed)
    informer.start()
    assert over.wait(SECONDS), f"{laps.count} events came"
    informer.stop()
    connection.close()
