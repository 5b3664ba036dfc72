"""What a reconciler has done, for Prometheus. No dispatch ids: a label's values are few."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

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

    def collect_from(self, counters: Callable[[], Mapping[str, float]]) -> None:
        """Add numbers that somebody else keeps, read when they are asked for."""
        self.registry.register(_Kept(counters))


class _Kept:
    """A name that ends in `_total` is a counter; `name{label=value}` has a label."""

    def __init__(self, counters: Callable[[], Mapping[str, float]]) -> None:
        self._counters = counters

    def collect(self) -> Iterable[Metric]:
        families: dict[str, Metric] = {}
        for name, labels, value in self._read():
            family = families.get(name) or families.setdefault(name, _family(name, list(labels)))
            family.add_sample(f"{PREFIX}_{name}", labels, value)
        return families.values()

    def _read(self) -> Iterator[tuple[str, dict[str, str], float]]:
        for name, value in self._counters().items():
            plain, _, label = name.partition("{")
            key, _, said = label.rstrip("}").partition("=")
            yield plain, {key: said} if key else {}, value


def _family(name: str, labels: list[str]) -> Metric:
    said = f"{PREFIX}_{name}"
    if name.endswith("_total"):
        return CounterMetricFamily(said.removesuffix("_total"), "Of the informer.", labels=labels)
    return GaugeMetricFamily(said, "Of the informer.", labels=labels)
