"""What a reconciler has done, for Prometheus. No dispatch ids: a label's values are few."""

from collections.abc import Callable, Iterable

from eightbells.reconciler.informer.tally import Figures
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

PREFIX = "eightbells_reconciler"

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


class Metrics:
    """The numbers of one reconciler, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.verdicts = Counter(
            f"{PREFIX}_verdicts",
            "Endings that the reconciler sent, by their code and what the bus said: ok, dup, terminal, moved, ...",
            ["code", "status"],
            registry=self.registry,
        )
        self.attempts = Counter(
            f"{PREFIX}_attempts", "Ends of attempts that the reconciler told.", ["code"], registry=self.registry
        )
        self.seconds = Histogram(
            f"{PREFIX}_publish_seconds",
            "From the change that was seen to its ending on the bus.",
            buckets=SECONDS,
            registry=self.registry,
        )
        self.others = Counter(
            f"{PREFIX}_ended_by_others", "Jobs whose ending was on the bus already.", registry=self.registry
        )
        self.depth = Gauge(f"{PREFIX}_queue_depth", "Jobs that changed and wait to be judged.", registry=self.registry)
        self.outages = Counter(f"{PREFIX}_bus_outages", "Times that the bus went away.", registry=self.registry)

    def watch(self, figures: Callable[[], Figures]) -> None:
        """Add what the informer counts, read when it is asked for."""
        self.registry.register(_Informed(figures))


class _Informed(Collector):
    """What the informer counts."""

    def __init__(self, figures: Callable[[], Figures]) -> None:
        self._figures = figures

    def collect(self) -> Iterable[Metric]:
        found = self._figures()
        sizes = found.sizes
        yield _gauge("watch_age_seconds", "Since the oldest view of the cluster was fresh.", found.watch_age)
        relists = CounterMetricFamily(f"{PREFIX}_relists", "Whole lists, by why there had to be one.", labels=["cause"])
        for cause, count in found.relists.items():
            relists.add_metric([cause], count)
        yield relists
        yield _counter("decode_errors", "Objects and lines that could not be decoded.", found.decode_errors)
        yield _gauge("cached_jobs", "Jobs in the cache.", sizes.jobs)
        yield _gauge("cached_pods", "Pods in the cache.", sizes.pods)
        yield _gauge("settled_jobs", "Jobs of which only that they are settled is kept.", sizes.settled)
        yield _gauge("tombstones", "Jobs and pods that are gone, and kept for what they tell.", sizes.gone)
        yield _counter("tombstones_dropped", "Tombstones that had to make room.", sizes.dropped)


def _gauge(name: str, says: str, value: float) -> Metric:
    return GaugeMetricFamily(f"{PREFIX}_{name}", says, value=value)


def _counter(name: str, says: str, value: float) -> Metric:
    return CounterMetricFamily(f"{PREFIX}_{name}", says, value=value)
