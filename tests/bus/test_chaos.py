"""Real concurrency and real deaths: see `chaos`."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from eightbells.events.contract import keys

from tests.bus.chaos import DISPATCHES, GROUP
from tests.servers.server import Server

NS = "chaos"
LIMIT = 150
NAMES = {f"d{i}" for i in range(DISPATCHES)}


@contextmanager
def ended_with_its_workers(process: subprocess.Popen[str]) -> Iterator[None]:
    """Nobody of the process's group is left, however the test ends."""
    try:
        yield
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def run(server: Server, directory: Path) -> tuple[int, ...]:
    """Run the chaos to its end; return how many kills, pauses and lost logs there were."""
    command = (sys.executable, "-m", "tests.bus.chaos", server.url, NS, str(directory))
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    with ended_with_its_workers(process):
        said, _ = process.communicate(timeout=LIMIT)
    assert process.returncode == 0
    return tuple(map(int, said.split()))


def seen(directory: Path) -> dict[str, Counter[str]]:
    """What the processes noted, each word with how often it was said of each dispatch."""
    noted: dict[str, Counter[str]] = {word: Counter() for word in ("accepted", "handled", "committed")}
    for path in directory.glob("seen-*"):
        for line in path.read_text().splitlines():
            word, dispatch = line.split()
            noted[word][dispatch] += 1
    return noted


def records(server: Server) -> Iterator[tuple[str, list[str]]]:
    """Each dispatch with its ending, what is owed, conflicts and the group's field."""
    with server.client(decode_responses=True).pipeline(transaction=False) as pipeline:
        for name in NAMES:
            pipeline.hmget(keys.record(NS, name), "end", "owed", "conflicts", f"g:{GROUP}")
        yield from zip(NAMES, pipeline.execute(), strict=True)


@pytest.mark.serial
@pytest.mark.timeout(LIMIT + 30)
def test_every_ending_is_committed_once_through_any_chaos(valkey: Server, tmp_path: Path) -> None:
    """Of 20,000 dispatches with two racing reporters each, through kills, pauses and lost logs, 20,000 endings are
    accepted and each is committed once.
    """
    kills, pauses, losses = run(valkey, tmp_path)
    assert min(kills, pauses, losses) > 0
    noted = seen(tmp_path)
    assert set(noted["accepted"].values()) == {1}
    assert set(noted["committed"].values()) == {1}
    assert set(noted["handled"]) == NAMES
    assert noted["handled"].total() > DISPATCHES, "nobody died between effect and commit"
    for name, (end, owed, conflicts, lease) in records(valkey):
        assert (end in {"completed", "failed"}, owed, lease[0]) == (True, "0", "c"), name
        assert int(conflicts) >= 1, name
    client = valkey.client()
    assert client.zcard(keys.done(NS)) == DISPATCHES
    assert client.zcard(keys.todo(NS, GROUP)) == client.zcard(keys.open_(NS, "")) == 0
