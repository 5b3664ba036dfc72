"""A consumer that stops hands back what is not done, within its deadline, and loses nothing."""

import asyncio
import json
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from eightbells.consumer import Delivery
from eightbells.events.schema import Output

from tests.consumer.consuming import Held, Running, Seen, Town, running
from tests.waiting import wait_until

HOUR = 3600.0


async def test_what_no_handler_had_begun_is_handed_back(town: Town) -> None:
    """Endings in the buffer are due at once, for anybody, and their try does not count."""
    held = Held()
    consumer = town.consumer(held, concurrency=1, lease=HOUR)
    town.publish("a", "b", "c")
    works = Running(consumer)
    await works.until(lambda: held.begun and all_held(town, "a", "b", "c"))
    consumer.stop()
    waiting = {"a", "b", "c"} - set(held.begun)
    await works.until(lambda: all(town.state(dispatch) == "w" for dispatch in waiting))
    assert {town.lease(dispatch)[1] for dispatch in waiting} == {"0"}
    assert all(score <= town.bus.now() for dispatch, score in town.bus.todo().items() if dispatch in waiting)
    held.let_go()
    await works.stop()
    assert len(held.begun) == 1


async def test_a_handler_that_is_running_has_time_to_end(town: Town) -> None:
    """What ends within the deadline is committed."""
    held = Held()
    consumer = town.consumer(held)
    town.publish("d")
    works = Running(consumer)
    await works.until(lambda: held.begun and is_reading(town))
    consumer.stop()
    await works.until(lambda: not is_reading(town), "nothing more is fetched")
    held.let_go()
    await works.stop()
    assert town.state("d") == "c"
    assert held.cancelled == []


async def test_a_handler_that_does_not_end_is_cancelled_and_handed_back(town: Town) -> None:
    """After the deadline an async handler is cancelled, and its ending is due at once at the same try."""
    held = Held()
    consumer = town.consumer(held, stop_deadline=0, lease=HOUR)
    town.publish("d")
    works = Running(consumer)
    await works.until(lambda: held.begun)
    await works.stop()
    assert held.cancelled == ["d"]
    assert town.lease("d")[:2] == ["w", "0"]
    assert town.bus.todo()["d"] <= town.bus.now()
    assert consumer.workers.failed == 0


async def test_a_failure_of_a_cancelled_handler_is_not_one(town: Town) -> None:
    """A handler that fails because it was cancelled on stop has not used up a try."""

    async def act(delivery: Delivery) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("in the middle of it")

    seen = Seen(act)
    consumer = town.consumer(seen, stop_deadline=0, max_tries=1)
    town.publish("d")
    works = Running(consumer)
    await works.until(lambda: seen.deliveries)
    await works.stop()
    assert town.lease("d")[:2] == ["w", "0"]
    assert town.letters() == []


async def test_a_thread_that_does_not_end_keeps_its_lease(town: Town) -> None:
    """A sync handler cannot be stopped: `run` returns, and nobody is given its ending before the lease lapses."""
    gate, inside = threading.Event(), threading.Event()

    def handle(delivery: Delivery) -> None:
        inside.set()
        gate.wait(20)

    consumer = town.consumer(handle, stop_deadline=0, lease=HOUR)
    town.publish("d")
    works = Running(consumer)
    try:
        await works.until(inside.is_set)
        await works.stop()
        assert town.lease("d")[:2] == ["h", "1"]
        assert town.bus.todo()["d"] > town.bus.now()
    finally:
        gate.set()


async def test_a_handler_that_does_not_listen_holds_up_nobody(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    """A handler that goes on though it was cancelled is left alone, said, and keeps its lease."""
    gate = asyncio.Event()
    inside = []

    async def handle(delivery: Delivery) -> None:
        inside.append(asyncio.current_task())
        while not gate.is_set():
            try:
                await gate.wait()
            except asyncio.CancelledError:
                continue

    consumer = town.consumer(handle, stop_deadline=0, lease=HOUR)
    town.publish("d")
    works = Running(consumer)
    await works.until(lambda: inside)
    await works.stop()
    assert town.state("d") == "h"
    assert "deaf" in [getattr(record, "action", "") for record in caplog.records]
    gate.set()
    await asyncio.wait([task for task in inside if task])


async def test_stopped_before_it_ran(town: Town) -> None:
    """A consumer that was told to stop takes nothing."""
    town.publish("d")
    seen = Seen()
    consumer = town.consumer(seen)
    consumer.stop()
    await consumer.run()
    assert seen.deliveries == []
    assert town.state("d") in {"", "w"}


async def test_stopped_while_it_waits_for_its_server(town: Town) -> None:
    """A consumer whose server never came stops all the same."""
    town.bus.server.kill()
    consumer = town.consumer(Seen())
    works = Running(consumer)
    await works.until(lambda: consumer.link.waiting)
    await works.stop()


@pytest.mark.parametrize("deadline", [0, 1])
async def test_stopped_in_an_outage(town: Town, caplog: pytest.LogCaptureFixture, deadline: float) -> None:
    """When the last decisions cannot reach the server `run` ends within its deadline and 5 s, and says what is left."""
    held = Held()
    consumer = town.consumer(held, stop_deadline=deadline)
    town.publish(*(f"d{i}" for i in range(200)))
    works = Running(consumer)
    await works.until(lambda: held.begun)
    town.bus.server.kill()
    held.let_go()
    await works.until(lambda: consumer.settlement.unsettled)
    async with asyncio.timeout(deadline + 5 + 1):
        await works.stop()
    (said,) = [record for record in caplog.records if getattr(record, "action", "") == "stopped_unsettled"]
    assert said.endings == consumer.settlement.unsettled > 0  # type: ignore[attr-defined]


async def test_cancelling_is_stopping(town: Town) -> None:
    """A cancelled `run` hands back what it holds, as a stopped one does."""
    held = Held()
    consumer = town.consumer(held, stop_deadline=0, lease=HOUR)
    town.publish("d")
    task = asyncio.create_task(consumer.run())
    works = Running()
    await works.until(lambda: held.begun)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert town.lease("d")[:2] == ["w", "0"]


async def test_nothing_is_lost_on_the_way_when_one_stops_and_another_begins(town: Town) -> None:
    """Under load no ending has to wait for the queue's patience or for a lease because a consumer was stopped."""

    async def act(delivery: Delivery) -> None:
        # The documents are so large that a read is under way whenever it is stopped.
        if len(first.deliveries) == 60:
            consumer.stop()

    town.bus.set(patience=int(HOUR * 1000))
    dispatches = [f"d{i}" for i in range(600)]
    town.publish(*dispatches, stdout=Output(tail=10_000 * "x"))
    first, second = Seen(act), Seen()
    consumer = town.consumer(first, lease=HOUR, concurrency=10, prefetch=100)
    await consumer.run()
    assert not town.is_settled(), "it was not stopped in the middle"
    async with running(town.consumer(second, lease=HOUR)) as others:
        await others.until(town.is_settled)
    assert sorted(first.dispatches + second.dispatches) == sorted(dispatches)


HANDLERS = """
import os, redis

async def wait(delivery):
    redis.Redis.from_url(os.environ["NOTES"]).rpush("begun", delivery.dispatch)
    await __import__("asyncio").Event().wait()

def block(delivery):
    redis.Redis.from_url(os.environ["NOTES"]).rpush("begun", delivery.dispatch)
    __import__("threading").Event().wait()
"""


@pytest.mark.parametrize(("handler", "left"), [("wait", ["w", "0"]), ("block", ["h", "1"])])
def test_sigterm_stops_the_process(town: Town, tmp_path: Path, handler: str, left: list[str]) -> None:
    """`eightbells consume` hands back on SIGTERM and exits 0 within its deadline, also while a thread is busy."""
    (tmp_path / "handlers.py").write_text(HANDLERS)
    town.publish("a")
    command = [str(Path(sys.executable).parent / "eightbells"), "consume", "--handler", f"handlers:{handler}"]
    command += ["--group", "g", "--namespace", town.bus.namespace, "--url", town.url, "--stop-deadline", "100ms"]
    environ = {"NOTES": town.url, "PATH": ""}
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, env=environ)
    try:
        wait_until(lambda: process.poll() is not None or town.bus.client.llen("begun"), "its handler runs")
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, said
    assert town.lease("a")[:2] == left
    assert [json.loads(line)["level"] for line in said.splitlines() if b"error" in line] == []


def is_reading(town: Town) -> bool:
    """Whether somebody waits for the log."""
    clients: Any = town.bus.client.client_list()
    return any(client["cmd"] == "xreadgroup" for client in clients)


def all_held(town: Town, *dispatches: str) -> Any:
    return all(town.state(dispatch) == "h" for dispatch in dispatches)
