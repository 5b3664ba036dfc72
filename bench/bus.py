"""Publishing as fast as a server takes it: calls packed beforehand, and so many connections that it never waits."""

import itertools
import socket
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import hiredis
from eightbells.consumer.connection import connect_blocking
from eightbells.events.contract import scripts
from eightbells.events.contract.scripts import Report
from eightbells.events.leasing import add_group
from eightbells.events.reporting import GroupList, publish
from eightbells.events.request import execute

from bench.events import dispatches, running

NAMESPACE = "bench"
GROUP = "bench"
BATCH = 100
CONNECTIONS = 2
"""While one reads its replies the server works for the other. They are threads: what they do needs no interpreter."""


def prepare_group(url: str) -> GroupList:
    """Register the group that is owed every ending, load the script, and return the list that publishers know."""
    client = connect_blocking(url)
    execute(client, add_group(NAMESPACE, GROUP))
    client.script_load(scripts.text("publish"))
    groups = execute(client, publish(NAMESPACE, GroupList(), [running("bench")]))
    client.close()
    assert isinstance(groups, GroupList), "the server knows of a group that it does not tell"
    return groups


def pack(groups: GroupList, reports: Iterable[Report]) -> list[bytes]:
    """Return the calls that publish all reports, as they go over the wire."""
    pending, calls = iter(reports), []
    while batch := list(itertools.islice(pending, BATCH)):
        calls.append(hiredis.pack_command(cast("Any", publish(NAMESPACE, groups, batch).evalsha)))
    return calls


def share_out(count: int) -> list[list[str]]:
    """Return that many dispatches, shared among the connections: the events of one must not overtake each other."""
    names = list(dispatches(count))
    return [names[first::CONNECTIONS] for first in range(CONNECTIONS)]


def publish_all(path: str, shares: Sequence[Sequence[bytes]], events: int) -> float:
    """Make the calls of each share on a connection of its own, and return how many seconds that took."""
    with ThreadPoolExecutor(len(shares)) as threads:
        start = time.perf_counter()
        accepted = sum(threads.map(lambda share: call_each(path, share), shares))
        seconds = time.perf_counter() - start
    assert accepted == events, f"{accepted} events of {events} were accepted"
    return seconds


def call_each(path: str, calls: Sequence[bytes]) -> int:
    """Make one call after another on a connection of its own; return how many events were accepted."""
    accepted = 0
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        reader = hiredis.Reader()
        for call in calls:
            connection.sendall(call)
            accepted += count_accepted(read_reply(connection, reader))
    return accepted


def read_reply(connection: socket.socket, reader: hiredis.Reader) -> object:
    """Return the next reply of the server."""
    while (reply := reader.gets()) is False:
        received = connection.recv(1 << 16)
        assert received, "the server closed the connection"
        reader.feed(received)
    return reply


def count_accepted(reply: object) -> int:
    """Return how many events of a call were accepted."""
    assert isinstance(reply, list), f"publish failed: {reply}"
    return sum(one[0] == b"ok" for one in reply)
