"""The output is at rest when nothing is on its way, and not when its thread has merely not come to its turn."""

import hashlib
import os
import time
from collections.abc import Iterator
from threading import Thread

import pytest
from eightbells.wrapper.capture import Stream
from eightbells.wrapper.pumps import QUIET_LOOKS, QUIET_SECONDS, Pump, Quiet, is_asleep

from tests.waiting import wait_until


@pytest.fixture
def pump() -> Iterator[Pump]:
    """A pump to nowhere, whose thread waits for bytes."""
    sink = os.open(os.devnull, os.O_WRONLY)
    pump = Pump(Stream((sink,)), wake=lambda: None)
    pump.start()
    wait_until(lambda: pump._thread and pump.is_at_rest, "the pump waits for bytes")
    yield pump
    pump.stream.close_entry()
    wait_until(lambda: pump.is_over, "the pump has ended")
    os.close(sink)
    os.close(pump.stream.source)


@pytest.fixture
def busy_thread() -> Iterator[int]:
    """A thread that wants nothing but a processor, and not even the interpreter."""
    thread = Thread(target=hashlib.pbkdf2_hmac, args=("sha256", b"", b"", 2_000_000))
    thread.start()
    assert thread.native_id is not None
    yield thread.native_id
    thread.join()


def test_a_thread_that_wants_a_processor_is_awake(busy_thread: int) -> None:
    """What a thread without a processor has just read is not forgotten: it does not look as if it waited for more."""
    wait_until(lambda: not is_asleep(busy_thread), "the thread is seen to be awake")


def test_a_pump_is_not_at_rest_while_its_thread_is_awake(pump: Pump, busy_thread: int) -> None:
    """A pump that says nothing and is awake has read something, or is about to."""
    assert pump.is_at_rest
    pump._thread = busy_thread
    wait_until(lambda: not pump.is_at_rest, "the pump is seen to be awake")


def test_standing_still_is_not_quiet(pump: Pump) -> None:
    """Time in which nobody ran, as where the container's share of the processor is spent, counts as one look."""
    is_quiet = Quiet([pump])
    assert not is_quiet()
    until = time.monotonic() + 2 * QUIET_SECONDS
    wait_until(lambda: time.monotonic() > until, "time has passed")
    assert [is_quiet() for _ in range(QUIET_LOOKS)] == [False] * (QUIET_LOOKS - 1) + [True]


def test_a_byte_that_passes_is_no_quiet(pump: Pump) -> None:
    """Every byte begins the wait anew."""
    is_quiet = Quiet([pump])
    wait_until(is_quiet, "it is quiet")
    os.write(pump.stream.entry, b"x")
    wait_until(lambda: pump.chunks, "the byte has passed")
    assert not is_quiet()
