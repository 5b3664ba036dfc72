"""EIGHTBELLS_STREAM=1: what the command writes is on the bus while it runs, and never in the command's way."""

import os
import signal
import subprocess
import time
from typing import Any, NamedTuple

import pytest
from eightbells.events.contract import keys
from eightbells.events.contract.limits import OUTPUT_BYTES, OUTPUT_CHUNK_BYTES, OUTPUT_MS
from eightbells.wrapper.backlog import LIMIT_BYTES, Backlog

from tests.servers.local import Local
from tests.servers.server import Server
from tests.waiting import wait_until
from tests.wrapper.wrapping import NAMESPACE, Dispatch

LIVE = {"EIGHTBELLS_STREAM": "1"}


class Chunk(NamedTuple):
    """An entry of the output stream."""

    run: str
    stream: str
    seq: int
    offset: int
    data: bytes
    lost: int


def chunks(dispatch: Dispatch, server: Server) -> list[Chunk]:
    client: Any = server.client()
    return [
        Chunk(
            str(entry[b"r"], "ascii"),
            str(entry[b"s"], "ascii"),
            int(entry[b"n"]),
            int(entry[b"o"]),
            entry.get(b"d", b""),
            int(entry.get(b"g", 0)),
        )
        for _, entry in client.xrange(keys.output(NAMESPACE, dispatch.name))
    ]


def written(dispatch: Dispatch, server: Server, stream: str) -> bytes:
    """What a reader puts together, who insists on numbers and offsets without a hole."""
    found = [chunk for chunk in chunks(dispatch, server) if chunk.stream == stream]
    together = b""
    for number, chunk in enumerate(found, 1):
        assert (chunk.seq, chunk.offset, chunk.lost) == (number, len(together), 0)
        assert 0 < len(chunk.data) <= OUTPUT_CHUNK_BYTES
        together += chunk.data
    return together


def test_what_the_command_writes_is_on_the_bus_byte_for_byte(dispatch: Dispatch, valkey: Server) -> None:
    """Put together, the chunks of each stream are what the command wrote there; they have a number and an offset."""
    script = "head -c 150000 /dev/urandom | tee /dev/stderr; printf 'no newline\\377\\000'"
    ran = dispatch.run("bash", "-c", script, env=LIVE)
    assert len(ran.stderr) == 150000
    assert written(dispatch, valkey, "stdout") == ran.stdout
    assert written(dispatch, valkey, "stderr") == ran.stderr


def test_output_is_on_the_bus_while_the_command_runs(dispatch: Dispatch, valkey: Server) -> None:
    """A few bytes do not wait for more, nor for a newline, nor for the end."""
    process = dispatch.start("sh", "-c", "printf one; read go; printf two", env=LIVE, stdin=subprocess.PIPE)
    wait_until(lambda: written(dispatch, valkey, "stdout") == b"one", "the first bytes are there")
    process.finish(b"go\n")
    assert written(dispatch, valkey, "stdout") == b"onetwo"


def test_a_trickle_is_ten_chunks_a_second_at_most(dispatch: Dispatch, valkey: Server) -> None:
    """What comes byte by byte is gathered for a tenth of a second, however many writes there were."""
    begun = time.monotonic()
    dispatch.run("bash", "-c", "for i in {1..50}; do echo $i; sleep 0.005; done", env=LIVE)
    assert len(chunks(dispatch, valkey)) <= 10 * (time.monotonic() - begun) + 1


def test_nothing_is_streamed_unless_asked_for(dispatch: Dispatch, valkey: Server) -> None:
    """Without EIGHTBELLS_STREAM there is no stream."""
    dispatch.run("echo", "hello")
    assert chunks(dispatch, valkey) == []


def test_the_last_chunk_is_there_before_the_ending(dispatch: Dispatch, valkey: Server) -> None:
    """Who has read the ending finds all of the output on the bus."""
    client: Any = valkey.client()
    with client.monitor() as monitor:
        dispatch.run("sh", "-c", "echo first; sleep 0.2; echo last", env=LIVE)
        said = []
        while "/completed" not in (command := monitor.next_command()["command"]):
            said.append(command)
    assert [command for command in said if command.startswith("XADD") and "last" in command]


def test_the_stream_ages_and_is_bounded(dispatch: Dispatch, valkey: Server) -> None:
    """The key has a TTL from its first entry on, and a run that floods it leaves its last megabytes."""
    total, script = 3 * OUTPUT_BYTES, "import os, time\n"
    script += f"for _ in range({total} // 2**18): os.write(1, b'x' * 2**18); time.sleep(0.01)\nos.write(1, b'the end')"
    dispatch.run("python3", "-c", script, env=LIVE, stdout=subprocess.DEVNULL)
    found = chunks(dispatch, valkey)
    kept = sum(len(chunk.data) for chunk in found)
    ttl = int(valkey.client().pttl(keys.output(NAMESPACE, dispatch.name)))
    assert 0 < ttl <= OUTPUT_MS
    assert kept <= OUTPUT_BYTES + 8 * OUTPUT_CHUNK_BYTES
    assert found[-1].data.endswith(b"the end")
    assert found[-1].offset + len(found[-1].data) == total + len(b"the end")


def test_two_runs_are_told_apart(dispatch: Dispatch, valkey: Server) -> None:
    """Each run counts from 0, under its own name, which is that of its events."""
    dispatch.run("echo", "one", env=LIVE)
    dispatch.run("echo", "two", env={**LIVE, "EIGHTBELLS_STOP_IF_ENDED": "0"})
    first, second = chunks(dispatch, valkey)
    assert (first.data, second.data) == (b"one\n", b"two\n")
    assert first.run != second.run
    assert first.run == dispatch.ending.run
    assert (first.seq, first.offset) == (second.seq, second.offset) == (1, 0)


def test_a_bus_that_stands_still_costs_output_and_not_the_command(dispatch: Dispatch, valkey: Server) -> None:
    """While the server is stopped, the command writes as fast as it would; a gap says what the bus has missed."""
    assert isinstance(valkey, Local)
    total = 4 * LIMIT_BYTES
    script = f"echo begun; read go; head -c {total} /dev/zero; echo >&2; read go; echo done"
    process = dispatch.start("sh", "-c", script, env=LIVE, stdin=subprocess.PIPE)
    process.hears(b"begun\n")
    wait_until(lambda: chunks(dispatch, valkey), "the first chunk is there")
    assert process.stdin
    assert process.stdout
    assert process.stderr
    os.kill(valkey.pid, signal.SIGSTOP)
    try:
        process.stdin.write(b"go\n")
        process.stdin.flush()
        assert process.stdout.read(total) == bytes(total)
        assert process.stderr.readline() == b"\n"  # it has written all, and nobody has taken it
    finally:
        os.kill(valkey.pid, signal.SIGCONT)
    assert process.finish(b"go\n").exit_code == 0
    stdout = [chunk for chunk in chunks(dispatch, valkey) if chunk.stream == "stdout"]
    gaps = [chunk for chunk in stdout if chunk.lost]
    assert gaps
    assert all(not chunk.data for chunk in gaps)
    assert follows_without_a_hole(stdout)
    assert stdout[-1].data.endswith(b"done\n")


def follows_without_a_hole(found: list[Chunk]) -> bool:
    """Whether each chunk or gap begins where the one before ended; what was sent twice is seen by its number."""
    seen: dict[int, Chunk] = {chunk.seq: chunk for chunk in found}
    ends = [chunk.offset + len(chunk.data) + chunk.lost for chunk in seen.values()]
    return [chunk.offset for chunk in seen.values()] == [0, *ends[:-1]] and list(seen) == list(range(1, len(seen) + 1))


def test_an_absent_bus_delays_nothing(dispatch: Dispatch) -> None:
    """With nobody at the address all output is passed on, and the exit is as soon as it would be without."""
    nowhere = {"EIGHTBELLS_URL": "redis://127.0.0.1:1", "EIGHTBELLS_PUBLISH_TIMEOUT": "200ms"}
    ran = dispatch.run("sh", "-c", f"head -c {8 * LIMIT_BYTES} /dev/zero; exit 7", env={**LIVE, **nowhere})
    assert (ran.exit_code, len(ran.stdout)) == (7, 8 * LIMIT_BYTES)


def test_a_user_without_the_right_to_the_stream_still_reports(dispatch: Dispatch, valkey: Server) -> None:
    """Where the server refuses the stream, that is said, and events go on."""
    valkey.client().acl_setuser(
        "narrow",
        enabled=True,
        passwords=["+right"],
        commands=["+@all"],
        keys=["{eb:default}:[^o]*", "{eb:default}:open:"],
    )
    url = valkey.url.replace("redis://", "redis://narrow:right@")
    ran = dispatch.run("echo", "hello", env={**LIVE, "EIGHTBELLS_URL": url})
    assert b"output is no longer streamed: " in ran.stderr
    assert dispatch.states == ["running", "completed"]


def test_our_credentials_are_not_in_the_stream(dispatch: Dispatch, valkey: Server) -> None:
    """The password of the bus is veiled, also where it comes in two pieces, and every offset stays the command's."""
    valkey.client().acl_setuser("writer", enabled=True, passwords=["+pass-word"], commands=["+@all"], keys=["*"])
    url = valkey.url.replace("redis://", "redis://writer:pass-word@")
    script = "printf 'a pass-word, a pass-'; read go; printf 'word, done'"
    process = dispatch.start("sh", "-c", script, env={**LIVE, "EIGHTBELLS_URL": url}, stdin=subprocess.PIPE)
    wait_until(lambda: written(dispatch, valkey, "stdout") == b"a *********, a ", "the first piece is there")
    process.finish(b"go\n")
    assert written(dispatch, valkey, "stdout") == b"a *********, a *********, done"


@pytest.mark.parametrize("size", [1000, LIMIT_BYTES, 3 * LIMIT_BYTES])
def test_a_backlog_keeps_the_newest_and_tells_of_the_rest(size: int) -> None:
    """Whatever is put in at once, what comes out is gap and bytes that follow one another, the newest whole."""
    backlog, data = Backlog("stdout"), os.urandom(7 * LIMIT_BYTES // 2)
    for start in range(0, len(data), size):
        backlog.put(memoryview(data)[start : start + size])
    backlog.close()
    gap, *rest = backlog.take(2 * LIMIT_BYTES)
    assert (gap.offset, gap.lost, gap.data) == (0, len(data) - LIMIT_BYTES, b"")
    assert b"".join(chunk.data for chunk in rest) == data[-LIMIT_BYTES:]
    assert [chunk.seq for chunk in rest] == list(range(2, len(rest) + 2))
    assert backlog.due_in(time.monotonic()) is None


def test_the_rest_of_a_secret_that_fell_into_a_gap_is_not_shown() -> None:
    """Where bytes are dropped in the middle of a secret, its end goes with them."""
    backlog = Backlog("stdout")
    backlog.put(memoryview(b"secret"))
    backlog.put(memoryview(b"x" * (LIMIT_BYTES - 3)))
    backlog.close()
    gap, *rest = backlog.take(LIMIT_BYTES, (b"secret",))
    assert gap.lost >= 6
    assert set(b"".join(chunk.data for chunk in rest)) == set(b"x")
