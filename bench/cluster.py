"""`make bench-cluster`: how soon a dispatch on an idle cluster is known to run, and to have ended: markdown tables.

One dispatch after the other, in an image that the nodes have. Its command prints the clock as its last act; who calls
that the end, ours and the ways without us, is asked about the same dispatch in the same run. Nothing is asserted about
time, and nothing of the cluster is left.
"""

import os
import random
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import pytest
from eightbells.events.contract import keys

from bench import delays
from bench.figures import Table
from bench.moments import ACCEPTED, COMMAND_ENDED, RETURNED, SUBMITTED, Moments
from bench.observers import Observers, observe
from bench.progress import say
from bench.report import output_option, write
from tests.cluster.binaries import BinariesMissing
from tests.cluster.cluster import Cluster
from tests.cluster.network import NetworkError
from tests.cluster.run import begin_run, had_cluster
from tests.cluster.shared import end_cluster, join_cluster
from tests.cluster.sources import reason_against
from tests.e2e.images import provide_images
from tests.e2e.site import BUS, Site, open_site

SCRIPT = "sleep {:.2f}; exec date +%s%N"
SLEEP = (3.0, 4.0)
"""Seconds: enough for every watch to see it run. At random, because the kubelet looks at its containers once a second,
and the last round ended when it looked: rounds of one length would all meet it at the same point of that second.
"""

ROUNDS = 20


@click.command(context_settings={"auto_envvar_prefix": "BENCH"})
@output_option
@click.option("--rounds", type=click.IntRange(2), default=ROUNDS, show_default=True, help="How many dispatches.")
def main(output: str, rounds: int) -> None:
    """Measure on a cluster of two nodes that is started for it; as root on Debian, after `tests.cluster prepare`.

    On a cluster of yours (EIGHTBELLS_TEST_KUBECONFIG) only where its nodes have this machine's clock.
    """
    if reason := reason_against():
        raise click.ClickException(f"no cluster: {reason}")
    # Whoever ends us leaves nothing behind, either.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with take_cluster() as cluster:
        tables = measure(cluster, rounds)
    write(tables, output)


@contextmanager
def take_cluster() -> Iterator[Cluster]:
    """A cluster of our own, of which nothing is left; or the one that CLUSTER_OF_TESTS names, which stays."""
    name, leaks = begin_run(), []
    try:
        cluster = join_cluster()
        yield cluster
        cluster.close()
    except (BinariesMissing, NetworkError, pytest.skip.Exception) as reason:
        raise click.ClickException(f"no cluster: {reason}") from None
    finally:
        if name and had_cluster(name):
            say("stopping the cluster")
            leaks = end_cluster(name)
    if leaks:
        raise click.ClickException("\n".join(["left behind by the cluster:", *leaks]))


def measure(cluster: Cluster, rounds: int) -> tuple[Table, ...]:
    """Run so many dispatches, and one before them that loads what is loaded once."""
    with tempfile.TemporaryDirectory(prefix="eightbells-bench-") as directory:
        folder = Path(directory)
        say("building the images, and giving them to the nodes")
        images = provide_images(cluster, folder)
        with cluster.namespace() as namespace, open_site(cluster, namespace, images) as site:
            with observe(site, folder) as observers:
                say("one dispatch that is not counted")
                run_dispatch(site, observers, "round-0")
                loads = [os.getloadavg()[0]]
                seen = []
                for number in range(1, rounds + 1):
                    say(f"dispatch {number} of {rounds}")
                    seen.append(run_dispatch(site, observers, f"round-{number}"))
                loads.append(os.getloadavg()[0])
            return delays.compare(seen, delays.describe(cluster, rounds, loads))


def run_dispatch(site: Site, observers: Observers, name: str) -> Moments:
    """Run one dispatch to its end; return when what was seen of it."""
    dispatch = site.dispatch("sh", "-c", SCRIPT.format(random.uniform(*SLEEP)), id=name)
    submitted = time.time_ns()
    site.dispatcher.submit(dispatch)
    returned = time.time_ns()
    seen = observers.wait_for(name)
    assert COMMAND_ENDED in seen, f"{name} has not completed: {site.get(name)}"
    return {**seen, SUBMITTED: submitted, RETURNED: returned, ACCEPTED: accepted_at(site, name)}


def accepted_at(site: Site, name: str) -> int:
    """Return when the bus accepted `running`, in nanoseconds: the milliseconds of the log entry's id."""
    client = site.server.client()
    entries: Any = client.xrange(keys.log(BUS))
    identity = next(key for key, one in entries if (one[b"k"], one[b"s"]) == (name.encode(), b"running"))
    return int(identity.partition(b"-")[0]) * 1_000_000


if __name__ == "__main__":
    main()
