"""How long it takes from a command's death until the consumer's handler is called, at 100 endings a second.

A command here waits for a line, prints the time and dies: `date` asks for the clock just before it exits. All
wrappers are started beforehand and have said `running`, so that starting them is not part of it; then one command a
time is let go, 10 ms after the other. The handler reads the time from the output that came with the ending.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen

import redis
from eightbells.consumer.connection import connect_blocking
from eightbells.events.contract import keys
from eightbells.events.reporting import publish
from eightbells.events.request import execute

from bench.bus import NAMESPACE, prepare_group
from bench.events import completed, dispatches
from bench.figures import Figure, Table, show
from bench.progress import say
from bench.servers import Server

INTERVAL = 0.01
PUBLISHED = 500
WRAPPED = 100
POLL = 10.0
START_SECONDS = 60
WRAPPER = Path(sys.executable).with_name("eightbells-wrapper")
COMMAND = ["/bin/sh", "-c", "read line; exec date +%s%N"]
TARGET = "p50 ≤ 2 ms, p99 ≤ 10 ms"


def measure(server: Server, rounds: int) -> Table:
    """Measure both ways once in each round."""
    published: list[list[float]] = []
    wrapped: list[list[float]] = []
    rates: list[float] = []
    for number in range(rounds):
        say(f"{server.name}: latency, round {number + 1} of {rounds}")
        published.append(publish_each(server))
        if WRAPPER.exists():
            times, rate = wrap_each(server)
            wrapped.append(times)
            rates.append(rate)
    server.clear()
    return Table(f"Latency, {server.name}", notes(rates), tuple(compare(published, wrapped)))


def publish_each(server: Server) -> list[float]:
    """Publish endings one at a time; return the milliseconds from each call to its handler."""
    server.clear()
    with listening(server, PUBLISHED) as listener, connect_blocking(server.url) as client:
        groups = prepare_group(server.url)
        for moment, dispatch in zip(ticks(), dispatches(PUBLISHED), strict=False):
            time.sleep(max(0.0, moment - time.monotonic()))
            report = completed(dispatch, str(time.time_ns()))
            execute(client, publish(NAMESPACE, groups, [report]))
        return heard(listener)


def wrap_each(server: Server) -> tuple[list[float], float]:
    """Let commands under the wrapper die; return the milliseconds from death to handler, and deaths a second."""
    server.clear()
    with listening(server, WRAPPED) as listener, connect_blocking(server.url) as client:
        wrappers = [start_wrapper(server, dispatch) for dispatch in dispatches(WRAPPED)]
        try:
            wait_until_running(client)
            start = time.monotonic()
            for moment, wrapper in zip(ticks(), wrappers, strict=False):
                time.sleep(max(0.0, moment - time.monotonic()))
                let_go(wrapper)
            rate = WRAPPED / (time.monotonic() - start)
            return heard(listener), rate
        finally:
            for wrapper in wrappers:
                wrapper.kill()
                wrapper.wait()


def ticks() -> Iterator[float]:
    """The moments at which something is due."""
    start = time.monotonic()
    number = 0
    while True:
        number += 1
        yield start + number * INTERVAL


def start_wrapper(server: Server, dispatch: str) -> Popen[bytes]:
    variables = {"EIGHTBELLS_URL": server.url, "EIGHTBELLS_DISPATCH_ID": dispatch, "EIGHTBELLS_NAMESPACE": NAMESPACE}
    command = [str(WRAPPER), "--", *COMMAND]
    return Popen(command, env={**os.environ, **variables}, stdin=PIPE, stdout=DEVNULL)


def let_go(wrapper: Popen[bytes]) -> None:
    assert wrapper.stdin is not None
    wrapper.stdin.write(b"\n")
    wrapper.stdin.flush()


def wait_until_running(client: "redis.Redis") -> None:
    """Wait until every wrapper has published: its connection is up."""
    until = time.monotonic() + START_SECONDS
    while client.xlen(keys.log(NAMESPACE)) < WRAPPED:
        assert time.monotonic() < until, f"not all of {WRAPPED} wrappers said `running` within {START_SECONDS} s"
        time.sleep(0.05)


@contextmanager
def listening(server: Server, count: int) -> "Iterator[Popen[str]]":
    """A consumer in a process of its own, once it reads the log."""
    command = [sys.executable, "-m", "bench.listener", server.url, str(count)]
    with Popen(command, stdout=PIPE, text=True) as listener:
        try:
            with connect_blocking(server.url) as client:
                until = time.monotonic() + START_SECONDS
                while not is_reading(client):
                    assert listener.poll() is None, "the consumer ended before it read"
                    assert time.monotonic() < until, "the consumer did not start"
                    time.sleep(0.02)
            yield listener
        finally:
            listener.kill()


def is_reading(client: "redis.Redis") -> bool:
    return any(one["cmd"] == "xreadgroup" for one in client.client_list())


def heard(listener: "Popen[str]") -> list[float]:
    """Return what the consumer's handler noted, once it has noted all."""
    said, _ = listener.communicate(timeout=START_SECONDS)
    times: list[float] = json.loads(said)
    return times


def compare(published: list[list[float]], wrapped: list[list[float]]) -> Iterator[dict[str, Figure | str]]:
    yield row("publish → handler", published)
    if wrapped:
        yield row(f"death of the command → handler, through {WRAPPER.name}", wrapped) | {"target": TARGET}
    else:
        yield {"what": f"death of the command → handler: there is no {WRAPPER}"}
    polled = {"p50 ms": show(POLL * 500), "p99 ms": show(POLL * 990), "largest ms": show(POLL * 1000)}
    yield {"what": f"polling every {POLL:.0f} s (computed)", **polled}


def row(what: str, rounds: list[list[float]]) -> dict[str, Figure | str]:
    shares = [statistics.quantiles(times, n=100) for times in rounds]
    return {
        "what": what,
        "p50 ms": Figure(tuple(one[49] for one in shares)),
        "p99 ms": Figure(tuple(one[98] for one in shares)),
        "largest ms": Figure(tuple(max(times) for times in rounds)),
    }


def notes(rates: list[float]) -> tuple[str, ...]:
    said = f"publish: {PUBLISHED} endings in each round, one in each call, 100/s"
    if not rates:
        return (said,)
    reached = show(statistics.median(rates))
    return (said, f"wrapper: {WRAPPED} processes in each round, started beforehand; {reached} deaths/s were reached")
