"""A whole reconciler out of its parts, for the command and for tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from eightbells.reconciler.informer.cache import Cache
from eightbells.reconciler.informer.connection import Connection
from eightbells.reconciler.informer.informer import Informer
from eightbells.reconciler.worker.agenda import Agenda
from eightbells.reconciler.worker.asking import Asker
from eightbells.reconciler.worker.bus import Bus
from eightbells.reconciler.worker.continuity import Continuity
from eightbells.reconciler.worker.metrics import Metrics
from eightbells.reconciler.worker.options import Options
from eightbells.reconciler.worker.publisher import Publisher
from eightbells.reconciler.worker.reconciler import Reconciler
from eightbells.reconciler.worker.sweeper import Sweeper
from eightbells.reconciler.worker.worker import Worker


@contextmanager
def assembled(connection: Connection, bus: Bus, options: Options, metrics: Metrics) -> Iterator[Reconciler]:
    """Start watching, and yield a reconciler that is to be run; stop watching at the end."""
    clock, agenda, cache = connection.clock, Agenda(connection.clock.monotonic), Cache(connection.clock)
    informer = Informer(connection, cache, options.namespaces, agenda.put, poll=options.poll)

    def check_again() -> None:
        cache.forget_settled()
        informer.relist()

    timed: dict[str, Any] = {"now": clock.now, "clock": clock.monotonic}
    publisher = Publisher(cache, bus, connection, agenda, options=options, metrics=metrics, clock=clock.monotonic)
    worker = Worker(cache, bus, Asker(connection), publisher, agenda, options=options, metrics=metrics, **timed)
    sweeper = Sweeper(cache, bus, agenda, options=options, lost=check_again, clock=clock.monotonic)
    continuity = Continuity(bus, check_again, clock.monotonic)
    metrics.watch(informer.figures)
    informer.start()
    try:
        yield Reconciler(
            informer, worker, sweeper, continuity, agenda, options=options, metrics=metrics, clock=clock.monotonic
        )
    finally:
        informer.stop()
