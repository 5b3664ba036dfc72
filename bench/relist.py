"""What a list of pods costs, from the API server until it is compared and kept, beside the official client's objects.

The server is a process, and makes the pods, of 7.7 KiB each, while they are asked for: so the CPU tells more than the
clock.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Struct

from bench.figures import Figure, Table, ratios
from bench.progress import say
from bench.watch import serve, write_kubeconfig

COUNTS = {"eightbells": 50_000, "official": 5_000}
NAMES = {"eightbells": "eightbells, into the cache", "official": "kubernetes, `list_pod_for_all_namespaces`"}
SECONDS = 300

TARGETS = "≥ 40 times, ≤ 4 KiB"


class Took(Struct, frozen=True):
    """Of one run, for each pod: microseconds, and of CPU; KiB of memory."""

    clock: float
    cpu: float
    memory: float


def measure(rounds: int) -> Table:
    """Let each have its turn in each round."""
    took: dict[str, list[Took]] = {library: [] for library in COUNTS}
    for number in range(rounds):
        for library, count in COUNTS.items():
            say(f"relist, round {number + 1} of {rounds}, {library}")
            took[library].append(run(library, count))
    notes = (
        f"{COUNTS['eightbells']:,} pods for ours, {COUNTS['official']:,} for the other; pages of 500; plain HTTP.",
    )
    return Table("Relist, pods", notes, tuple(compare(took)))


def compare(took: dict[str, list[Took]]) -> Iterator[dict[str, Figure | str]]:
    theirs = [one.cpu for one in took["official"]]
    for library, each in took.items():
        row: dict[str, Figure | str] = {"what": NAMES[library], "µs each": Figure(tuple(one.clock for one in each))}
        row["CPU µs each"] = Figure(tuple(one.cpu for one in each))
        row["less CPU by"] = ratios(theirs, [one.cpu for one in each])
        row["KiB each"] = Figure(tuple(one.memory for one in each))
        if library == "eightbells":
            row["target"] = TARGETS
        yield row


def run(library: str, count: int) -> Took:
    """Measure one in a process of its own."""
    with serve("bench.crowd", count) as url, TemporaryDirectory() as directory:
        kubeconfig = write_kubeconfig(Path(directory) / "kubeconfig", url)
        command = (sys.executable, "-m", "bench.listing", library, str(kubeconfig))
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=SECONDS, text=True)
    seconds, cpu, memory = map(float, done.stdout.split())
    return Took(seconds / count * 1e6, cpu / count * 1e6, memory / count / 1024)
