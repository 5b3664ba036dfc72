"""`eightbells consume` ends when it is told to, whatever its handler does."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from eightbells.events.contract import keys

from tests.consumer.consuming import Town
from tests.waiting import wait_until

EIGHTBELLS = str(Path(sys.executable).with_name("eightbells"))

HANDLERS = """
import asyncio, time

async def take(delivery):
    print(delivery.dispatch, flush=True)

async def deaf(delivery):
    print(delivery.dispatch, flush=True)
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            pass

def blocked(delivery):
    print(delivery.dispatch, flush=True)
    while True:
        time.sleep(1)
"""


@contextmanager
def consuming(town: Town, where: Path, handler: str) -> Iterator["subprocess.Popen[str]"]:
    (where / "handlers.py").write_text(HANDLERS)
    arguments = ["--url", town.url, "--namespace", town.bus.namespace, "--group", "g", "--stop-deadline", "0"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("EIGHTBELLS_")}
    with subprocess.Popen(
        [EIGHTBELLS, "consume", "--handler", f"handlers:{handler}", *arguments],
        cwd=where,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_it_takes_an_ending_and_sigterm_ends_it(town: Town, tmp_path: Path) -> None:
    """A handler is called, its ending committed, and the process ends with 0."""
    town.publish("one")
    with consuming(town, tmp_path, "take") as process:
        assert process.stdout
        assert process.stdout.readline() == "one\n"
        wait_until(lambda: not town.bus.client.exists(keys.todo(town.bus.namespace, "g")), "it is committed")
        process.terminate()
        assert process.wait(timeout=20) == 0


@pytest.mark.parametrize("handler", ["deaf", "blocked"])
def test_a_handler_that_does_not_end_does_not_keep_the_process(town: Town, tmp_path: Path, handler: str) -> None:
    """Past its deadline the process ends all the same: a task that ignores its cancellation, a thread that works on."""
    town.publish("one")
    with consuming(town, tmp_path, handler) as process:
        assert process.stdout
        assert process.stdout.readline() == "one\n"
        process.terminate()
        assert process.wait(timeout=20) == 0


def test_its_logs_are_json_where_nobody_reads_them(town: Town, tmp_path: Path) -> None:
    """A line for each record, whatever is in it, with the message and its fields."""
    town.publish_document("odd", b"not json \xff")
    with consuming(town, tmp_path, "take") as process:
        assert process.stderr
        line = json.loads(process.stderr.readline())
        process.terminate()
        assert process.wait(timeout=20) == 0

    assert line["message"] == "an event cannot be decoded"
    assert (line["level"], line["action"], line["dispatch"]) == ("error", "undecodable", "odd")
