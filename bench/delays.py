"""What the moments of many dispatches come to: how long after the submit, or the command's end, each was seen."""

import statistics
from collections.abc import Iterator, Sequence
from importlib.metadata import version

from kubernetes.client import VersionApi
from msgspec import Struct

from bench.figures import Figure, Table, show
from bench.latency import POLL
from bench.moments import (
    ACCEPTED,
    COMMAND_ENDED,
    ENDING_HANDLED,
    JOB_DECIDED,
    JOB_FINISHED,
    JOB_READY,
    POD_RUNNING,
    POD_TERMINATED,
    RETURNED,
    RUNNING_HANDLED,
    SUBMITTED,
    Moments,
)
from tests.cluster.cluster import Cluster

PHASES = 1000
"""A poll finds the Job at any point of its interval: so many, evenly apart, are computed with."""

P50, P99, TIMES = "p50 ms (least to most)", "p99 ms", "of our p50"
Row = dict[str, Figure | str]


class View(Struct, frozen=True):
    """What is compared, from one moment on: ours, and what people without us see. The last of each is the answer."""

    title: str
    since: str
    ours: dict[str, str]
    others: dict[str, str]


START = View(
    "submit() is called → …",
    SUBMITTED,
    {
        "submit() returns": RETURNED,
        "`running` is accepted on the bus": ACCEPTED,
        "`running` is in a handler (`eightbells consume --progress`)": RUNNING_HANDLED,
    },
    {"a watch of the Pod shows it running": POD_RUNNING, "a watch of the Job shows its pod ready": JOB_READY},
)
END = View(
    "the command ends → …",
    COMMAND_ENDED,
    {"the ending is in a handler (`eightbells consume`)": ENDING_HANDLED},
    {
        "a watch of the Pod shows it terminated": POD_TERMINATED,
        "a watch of the Job shows SuccessCriteriaMet or FailureTarget": JOB_DECIDED,
        "a watch of the Job shows Complete or Failed": JOB_FINISHED,
    },
)


def compare(seen: Sequence[Moments], notes: tuple[str, ...]) -> tuple[Table, ...]:
    """Return a table of the start and one of the end."""
    return tuple(
        Table(f"Latency on an idle cluster: {view.title}", notes, tuple(rows(view, seen))) for view in (START, END)
    )


def rows(view: View, seen: Sequence[Moments]) -> Iterator[Row]:
    """Return a row for each way to know."""
    values: list[float] = []
    for name, moment in view.ours.items():
        values = measure(seen, view.since, moment)
        yield row(name, values, len(seen))
    ours = statistics.median(values)
    for name, moment in view.others.items():
        values = measure(seen, view.since, moment)
        yield {**row(name, values, len(seen)), **times(values, ours)}
    polled = poll(values)
    known = Figure((min(polled), statistics.median(polled), max(polled)))
    name = f"polling the Job every {POLL:.0f} s (computed)"
    yield {"what": name, P50: known, P99: show(percentile(polled, 99)), **times(polled, ours)}


def measure(seen: Sequence[Moments], since: str, moment: str) -> list[float]:
    """Return the milliseconds between two moments, of each dispatch of which the second was seen."""
    values = [(one[moment] - one[since]) / 1e6 for one in seen if moment in one]
    assert values, f"{moment} was never seen"
    return values


def poll(shown: Sequence[float]) -> list[float]:
    """Return the milliseconds after which polling finds what the API has shown after these."""
    return [value + (phase + 0.5) / PHASES * POLL * 1e3 for value in shown for phase in range(PHASES)]


def row(name: str, values: Sequence[float], rounds: int) -> Row:
    """Return a row with every single value; a moment that was not always seen says so."""
    often = "" if len(values) == rounds else f" (seen {len(values)} times of {rounds})"
    return {"what": name + often, P50: Figure(tuple(values)), P99: show(percentile(values, 99))}


def percentile(values: Sequence[float], percent: int) -> float:
    """Return a value that so many percent are not above; never one beyond the largest."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def times(values: Sequence[float], ours: float) -> dict[str, str]:
    return {TIMES: show(statistics.median(values) / ours)}


def describe(cluster: Cluster, rounds: int, loads: Sequence[float]) -> tuple[str, ...]:
    """Return what has to be known to read the tables."""
    kubernetes = VersionApi(cluster.api).get_code().git_version
    before, after = loads
    return (
        f"{rounds} dispatches one after the other, of an image that the nodes have, after one that is not counted",
        f"Kubernetes {kubernetes}, {len(cluster.core.list_node().items)} nodes; this machine's load was {before:.1f} "
        f"at the start and {after:.1f} at the end",
        "the command sleeps 3 to 4 s and asks for the clock just before it exits; the bus tells whole milliseconds",
        f"watches: kubernetes.watch.Watch of client {version('kubernetes')}, each in a process of its own, as the "
        "consumer is",
        "polling: the Job has changed when the watch shows it, and the next poll is up to an interval away, evenly",
    )
