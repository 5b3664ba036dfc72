"""How many changes of a pod a second a watch takes in, beside three libraries on the same stream in the same run.

Each library runs alone in a process of its own (`bench/watches/`). The server is a process, too, and sends what it
made before: 7.8 KiB an event, each in a chunk of its own.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from msgspec import Struct

from bench.figures import Figure, Table, ratios
from bench.progress import say

SECONDS = 120
"""A library that takes longer has stopped."""

TARGET = "≥ 40 Watches of the official client"


class Took(Struct, frozen=True):
    """Of one run: events a second, and microseconds of CPU for each event."""

    rate: float
    cpu: float


class Subject(Struct, frozen=True):
    """A library, what is called of it, and how many events it is given: about a second of work."""

    name: str
    library: str
    count: int
    function: str = "watch"


OURS = Subject("eightbells, into the cache", "eightbells", 20_000)
CLASSIFIED = Subject("eightbells, each classified", "eightbells", 10_000, "watch_and_classify")
OFFICIAL = Subject("kubernetes, `watch.Watch`", "official", 1_000)
SUBJECTS = (OURS, CLASSIFIED, OFFICIAL, Subject("lightkube", "lightkube", 2_000), Subject("kr8s", "kr8s", 2_000))


def measure(rounds: int) -> Table:
    """Let each library have its turn in each round."""
    took: dict[str, list[Took]] = {one.name: [] for one in SUBJECTS}
    for number in range(rounds):
        for subject in SUBJECTS:
            say(f"watch, round {number + 1} of {rounds}, {subject.name}")
            took[subject.name].append(run(subject))
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("kubernetes", "lightkube", "kr8s"))
    notes = (
        f"{versions}; plain HTTP; 1,000 pods that run and fail by turns, so that every event is a change.",
        "`classified`: after every event; the reconciler decides once about all that came since it last looked.",
        "The CPU is that of the library's process.",
    )
    return Table("Watch, pods MODIFIED", notes, tuple(compare(took)))


def compare(took: dict[str, list[Took]]) -> Iterator[dict[str, Figure | str]]:
    theirs = took[OFFICIAL.name]
    for name, each in took.items():
        rates = [one.rate for one in each]
        row: dict[str, Figure | str] = {"what": name, "a second": Figure(tuple(rates))}
        row["of `watch.Watch`"] = ratios(rates, [one.rate for one in theirs])
        row["CPU µs each"] = Figure(tuple(one.cpu for one in each))
        row["less CPU by"] = ratios([one.cpu for one in theirs], [one.cpu for one in each])
        if name == CLASSIFIED.name:
            row["target"] = TARGET
        yield row


def run(subject: Subject) -> Took:
    """Measure one in a process of its own."""
    with serve("bench.stream", subject.count) as url, TemporaryDirectory() as directory:
        kubeconfig = write_kubeconfig(Path(directory) / "kubeconfig", url)
        words = (subject.library, subject.function, str(kubeconfig), str(subject.count))
        command = (sys.executable, "-m", "bench.watching", *words)
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=SECONDS, text=True)
    seconds, cpu = map(float, done.stdout.split())
    return Took(subject.count / seconds, cpu / subject.count * 1e6)


@contextmanager
def serve(module: str, count: int) -> Iterator[str]:
    """A server as a process; yields its URL."""
    command = (sys.executable, "-m", module, str(count))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        yield server.stdout.readline().strip()
        server.terminate()


def write_kubeconfig(path: Path, url: str) -> Path:
    """A kubeconfig for somebody with a token."""
    named = {"cluster": "c", "user": "u"}
    told = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "x",
        "contexts": [{"name": "x", "context": named}],
        "clusters": [{"name": "c", "cluster": {"server": url}}],
        "users": [{"name": "u", "user": {"token": "t0ken"}}],
    }
    path.write_bytes(msgspec.json.encode(told))
    return path
