"""Chaos: eight processes publish and consume while they are killed, or stopped and continued, and the log is lost.

`python -m tests.bus.chaos URL NAMESPACE DIRECTORY` forks them and ends when every dispatch is published and settled.
Each dispatch has two reporters with two endings, and what was sent is sent again by whoever takes a killed process's
place. What each process saw is in the directory: a word and a dispatch a line, written before the next step is made.
"""

import os
import random
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import redis
from eightbells.events import leasing, reporting
from eightbells.events.contract import keys
from eightbells.events.contract.scripts import Report
from eightbells.events.leasing import Held, Wanted
from eightbells.events.reporting import GroupList
from eightbells.events.request import execute

DISPATCHES = 20_000
PROCESSES = 8
GROUP = "g"
BATCH = 50
LEASE_MS = 1000
HANDLER_SECONDS = 0.03
"""Long enough that many are killed or stopped between the effect and the commit."""
TICK_SECONDS = 0.05
PAUSE_SECONDS = 1.5 * LEASE_MS / 1000
DOCUMENT = "x" * 500


class Worker:
    """Publishes its share and consumes anybody's, until it is killed."""

    def __init__(self, url: str, namespace: str, directory: Path, number: int, share: list[Report]) -> None:
        self._client: Any = redis.Redis.from_url(url)
        self._ns = namespace
        self._number = number
        self._place = directory / f"place-{number}"
        self._seen = os.open(directory / f"seen-{number}", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._groups = GroupList()
        self._share = share
        self._next = read_place(self._place)

    def run(self) -> None:
        while True:
            if self._next < len(self._share):
                self._publish()
            self._consume(self._read() or self._due())

    def _note(self, word: str, dispatches: list[str]) -> None:
        os.write(self._seen, "".join(f"{word} {dispatch}\n" for dispatch in dispatches).encode())

    def _publish(self) -> None:
        batch = self._share[self._next : self._next + BATCH]
        while isinstance(replies := execute(self._client, self._request(batch)), GroupList):
            self._groups = replies
        self._note(
            "accepted", [one.dispatch for one, reply in zip(batch, replies, strict=True) if reply.status == "ok"]
        )
        self._next += len(batch)
        self._place.write_text(f"{self._next:>10}")

    def _request(self, batch: list[Report]) -> Any:
        return reporting.publish(self._ns, self._groups, batch)

    def _read(self) -> list[str]:
        """What the log brings; without group or log, from its start."""
        log = keys.log(self._ns)
        try:
            found = self._client.xreadgroup(GROUP, str(self._number), {log: ">"}, BATCH, noack=True)
        except redis.ResponseError:
            # Another process may be first to make them again.
            with suppress(redis.ResponseError):
                self._client.xgroup_create(log, GROUP, id="0", mkstream=True)
            return []
        return [fields[b"k"].decode() for _, entries in found for _, fields in entries]

    def _due(self) -> list[str]:
        seconds, micros = self._client.time()
        now = seconds * 1000 + micros // 1000
        due = self._client.zrange(keys.todo(self._ns, GROUP), 0, now, byscore=True, offset=0, num=BATCH)
        return [member.decode() for member in due]

    def _consume(self, dispatches: list[str]) -> None:
        if not dispatches:
            time.sleep(TICK_SECONDS)
            return
        wanted = [Wanted(dispatch) for dispatch in dispatches]
        begun = execute(self._client, leasing.begin(self._ns, GROUP, wanted, owner="o", lease_ms=LEASE_MS))
        held = [Held(d, one.fence) for d, one in zip(dispatches, begun, strict=True) if one.status == "ok"]
        if held:
            self._note("handled", [one.dispatch for one in held])
            time.sleep(HANDLER_SECONDS)
            replies = execute(self._client, leasing.commit(self._ns, GROUP, held))
            done = [one.dispatch for one, reply in zip(held, replies, strict=True) if reply.status == "ok"]
            self._note("committed", done)


def share(number: int) -> list[Report]:
    """What one process publishes: an eighth of the dispatches as their wrapper, and the next eighth as reconciler."""
    mine = [report(f"d{i}", "completed", "wrapper") for i in range(number, DISPATCHES, PROCESSES)]
    others = [report(f"d{i}", "failed", "reconciler") for i in range((number + 1) % PROCESSES, DISPATCHES, PROCESSES)]
    return [one for pair in zip(mine, others, strict=True) for one in pair]


def report(dispatch: str, state: str, source: str) -> Report:
    return Report(dispatch, state, run="r", source=source, document=DOCUMENT, verdict=f"{state} by {source}")


def read_place(path: Path) -> int:
    """How far a share is published; from its start when the process was killed while it wrote that."""
    return int(path.read_text() or 0) if path.exists() else 0


class Driver:
    """Keeps eight workers running, and lets none of them run for long."""

    def __init__(self, url: str, namespace: str, directory: Path) -> None:
        self._client: Any = redis.Redis.from_url(url)
        self._ns = namespace
        self._directory = directory
        self._shares = [share(number) for number in range(PROCESSES)]
        self._url = url
        self._pids: dict[int, int] = {}
        self._paused: dict[int, float] = {}
        self.kills = self.pauses = self.losses = 0

    def run(self) -> None:
        for number in range(PROCESSES):
            self._start(number)
        while not self._is_done():
            time.sleep(TICK_SECONDS)
            self._continue_paused()
            self._disturb()
            if random.random() < 0.1:
                self._lose_log()
        for number in range(PROCESSES):
            self._kill(number)

    def _disturb(self) -> None:
        """Stop or kill one that runs: one that is stopped must live to go on."""
        running = sorted(set(range(PROCESSES)) - set(self._paused))
        if not running:
            return
        number = random.choice(running)
        if random.random() < 0.1:
            self._pause(number)
        else:
            self._kill(number)
            self._start(number)

    def _start(self, number: int) -> None:
        pid = os.fork()
        if not pid:
            Worker(self._url, self._ns, self._directory, number, self._shares[number]).run()
        self._pids[number] = pid

    def _kill(self, number: int) -> None:
        self.kills += 1
        os.kill(self._pids[number], signal.SIGKILL)
        os.waitpid(self._pids[number], 0)

    def _pause(self, number: int) -> None:
        """For longer than a lease: it goes on as if nothing had happened, with what is no longer its own."""
        self.pauses += 1
        self._paused[number] = time.monotonic() + PAUSE_SECONDS
        os.kill(self._pids[number], signal.SIGSTOP)

    def _continue_paused(self) -> None:
        for number, until in list(self._paused.items()):
            if time.monotonic() > until:
                del self._paused[number]
                os.kill(self._pids[number], signal.SIGCONT)

    def _lose_log(self) -> None:
        self.losses += 1
        log = keys.log(self._ns)
        match random.choice(("log", "entries", "group")):
            case "log":
                self._client.delete(log)
            case "entries":
                self._client.xtrim(log, maxlen=0, approximate=False)
            case "group" if self._client.exists(log):
                self._client.xgroup_destroy(log, GROUP)

    def _is_done(self) -> bool:
        places = [read_place(self._directory / f"place-{number}") for number in range(PROCESSES)]
        if places != [len(one) for one in self._shares]:
            return False
        return bool(self._client.zcard(keys.todo(self._ns, GROUP)) == 0)


def main() -> None:
    url, namespace, directory = sys.argv[1:]
    client: Any = redis.Redis.from_url(url)
    execute(client, leasing.add_group(namespace, GROUP))
    execute(client, leasing.set_ages(namespace, {"patience": LEASE_MS}))
    driver = Driver(url, namespace, Path(directory))
    driver.run()
    print(driver.kills, driver.pauses, driver.losses)


if __name__ == "__main__":
    main()
