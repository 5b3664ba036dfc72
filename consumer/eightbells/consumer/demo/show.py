"""The demo's course: start everything, let it end, resend what was reported, and check what was promised."""

import asyncio
import os
import random
import shutil
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Coroutine
from pathlib import Path
from typing import Any
from uuid import uuid4

from eightbells.consumer.connection import connect
from eightbells.consumer.consumer import Consumer
from eightbells.consumer.demo.cases import CASES, SECOND_START, Case
from eightbells.consumer.demo.ledger import Ledger, percentile
from eightbells.consumer.demo.promises import Promise, check, read_records
from eightbells.consumer.demo.rival import Rival
from eightbells.consumer.demo.table import Table
from eightbells.consumer.errors import ConsumerError
from eightbells.events.contract import keys
from eightbells.events.leasing import add_group
from eightbells.events.request import execute_async
from redis.asyncio import Redis

GROUP = "demo"
TOGETHER = 6
"""Wrappers that run at once: more would only measure how long they wait for a core."""

DRAW_SECONDS = 0.1
LIMIT_SECONDS = 60.0
HELD, BROKEN = "\N{SQUARE ROOT}", "\N{MULTIPLICATION SIGN}"


class Show:
    """One run of the demo against a server."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._namespace = f"demo-{uuid4().hex[:8]}"
        self._client: Redis = connect(url)
        self._ledger = Ledger()
        self._rival = Rival(self._client, self._namespace)
        self._table = Table(CASES, self._ledger)
        self._places = asyncio.Semaphore(TOGETHER)
        self._processes: list[Process] = []
        self._statuses: dict[str, int] = {}
        self._wrapper = find_wrapper()

    async def run(self) -> list[Promise]:
        """Run everything, print the summary, and return the promises."""
        # Before anything ends: a group is owed what is accepted after it was registered, and not what came before.
        await execute_async(self._client, add_group(self._namespace, GROUP))
        consumer = Consumer(self._url, GROUP, self._ledger.handle, namespace=self._namespace, progress=True)
        consuming = asyncio.create_task(consumer.run())
        drawing = asyncio.create_task(self._draw())
        try:
            async with asyncio.timeout(LIMIT_SECONDS):
                await first_of(consuming, self._play())
        finally:
            await self._end_processes()
            drawing.cancel()
            consumer.stop()
            await asyncio.gather(consuming, drawing, return_exceptions=True)
        self._table.draw()
        promises = await self._judge()
        await self._clean_up()
        return promises

    async def _play(self) -> None:
        await asyncio.gather(*(self._perform(one) for one in CASES))
        for one in CASES:
            await self._ledger.until_ended(one.dispatch)
        second = await self._start(SECOND_START)
        self._statuses["second start"] = await second.wait()
        for delivery in list(self._ledger.endings.values()):
            await self._rival.repeat(delivery)

    async def _perform(self, one: Case) -> None:
        async with self._places:
            process = await self._start(one)
            if one.act == "terminate":
                await until_ready(process)
                process.terminate()
            elif one.act == "race":
                await self._race(one, process)
            self._statuses[one.dispatch] = await process.wait()

    async def _race(self, one: Case, process: Process) -> None:
        """Let the command end and the rival speak within the same few milliseconds, in either order."""
        await self._ledger.until_running(one.dispatch)
        assert process.stdin  # noqa: S101
        process.stdin.close()
        await asyncio.sleep(random.uniform(0, 0.01))  # noqa: S311
        await self._rival.say_lost(one.dispatch)

    async def _start(self, one: Case) -> Process:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("EIGHTBELLS_")}
        environment |= {
            "EIGHTBELLS_DISPATCH_ID": one.dispatch,
            "EIGHTBELLS_URL": self._url,
            "EIGHTBELLS_NAMESPACE": self._namespace,
        }
        if one.timeout:
            environment["EIGHTBELLS_TIMEOUT"] = one.timeout
        process = await asyncio.create_subprocess_exec(
            self._wrapper,
            "--",
            *one.command,
            env=environment,
            stdin=PIPE if one.act == "race" else DEVNULL,
            stdout=PIPE if one.act == "terminate" else DEVNULL,
            stderr=DEVNULL,
        )
        self._processes.append(process)
        return process

    async def _end_processes(self) -> None:
        """Leave no wrapper behind when the demo is interrupted; TERM lets each end its command."""
        running = [process for process in self._processes if process.returncode is None]
        for process in running:
            process.terminate()
        await asyncio.gather(*(process.wait() for process in running))

    async def _draw(self) -> None:
        while True:
            self._table.draw()
            await asyncio.sleep(DRAW_SECONDS)

    async def _judge(self) -> list[Promise]:
        records = await read_records(self._client, self._namespace, CASES, GROUP)
        owed = await self._client.zcard(keys.todo(self._namespace, GROUP))
        promises = check(CASES, self._ledger, records, self._statuses, owed)
        conflicts = sum(int(conflicts or 0) for _, conflicts, _ in records.values())
        races = sum(one.act == "race" for one in CASES)
        started_again = self._statuses["second start"]
        promises += [
            Promise("the second of two endings is refused", () if conflicts == races else (f"{conflicts} of {races}",)),
            Promise(
                "a second start of an ended dispatch stops at once",
                () if started_again == SECOND_START.exit_status else (f"it exited {started_again}",),
            ),
            Promise(
                "an event sent twice counts once",
                () if self._rival.recognised == len(CASES) else (f"{self._rival.recognised} of {len(CASES)}",),
            ),
        ]
        self._summarise(conflicts)
        return promises

    def _summarise(self, conflicts: int) -> None:
        latencies = list(self._ledger.latencies_ms.values())
        middle, worst = percentile(latencies, 0.5), percentile(latencies, 0.99)
        print(f"\n{len(CASES)} dispatches, {self._ledger.times_delivered.total()} endings")
        print(f"from the command's exit to the handler: p50 {middle:.1f} ms, p99 {worst:.1f} ms")
        print(f"refused: {conflicts} second endings of two reporters that raced (the rival won {self._rival.won})")
        print(f"recognised: {self._rival.recognised} events sent twice, 1 dispatch started twice\n")

    async def _clean_up(self) -> None:
        """Leave nothing on a server that is not ours alone."""
        found = [key async for key in self._client.scan_iter(match=keys.prefix(self._namespace) + "*", count=1000)]
        if found:
            await self._client.unlink(*found)
        await self._client.aclose()


async def first_of(consuming: "asyncio.Task[None]", play: Coroutine[Any, Any, None]) -> None:
    """Wait for the play to end; a consumer that ends before it has failed."""
    playing = asyncio.create_task(play)
    try:
        await asyncio.wait([consuming, playing], return_when=asyncio.FIRST_COMPLETED)
        if not playing.done():
            consuming.result()
        await playing
    finally:
        playing.cancel()


async def until_ready(process: Process) -> None:
    """Wait until the command has said that it handles SIGTERM. Raises `ConsumerError`."""
    if process.stdout is None or b"ready" not in await process.stdout.readline():
        raise ConsumerError("the wrapper ended before its command was ready: run eightbells-wrapper -- true to see why")


def find_wrapper() -> str:
    """Return the wrapper's program: the one beside this Python, else the one on PATH. Raises `ConsumerError`."""
    beside = Path(sys.executable).with_name("eightbells-wrapper")
    found = str(beside) if beside.exists() else shutil.which("eightbells-wrapper")
    if not found:
        raise ConsumerError("no eightbells-wrapper beside this Python or on PATH: pip install eightbells-wrapper")
    return found


def present(url: str) -> bool:
    """Run the demo on a server, print what it saw, and return whether every promise held."""
    started = time.monotonic()
    promises = asyncio.run(Show(url).run())
    for promise in promises:
        print("\n    ".join([f"{BROKEN if promise.broken else HELD} {promise.says}", *promise.broken]))
    print(f"\n{time.monotonic() - started:.1f} s")
    return not any(promise.broken for promise in promises)
