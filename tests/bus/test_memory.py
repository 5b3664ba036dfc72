"""At maxmemory new work is refused, what is owed can still be settled, and then there is room again."""

import pytest
from eightbells.events.leasing import Leased
from redis.exceptions import OutOfMemoryError

from tests.bus.bus import LONG_MS, Bus
from tests.waiting import wait_until

DOCUMENT = "x" * 32_768
ROOM = 2_000_000
SHORT_MS = 200


def used(bus: Bus) -> int:
    memory = bus.home.info("memory")
    return int(memory["used_memory"]) - int(memory["mem_not_counted_for_evict"])


def fill(bus: Bus) -> list[str]:
    """Publish until the server takes no more; return what it took."""
    bus.server.config_set("maxmemory", used(bus) + ROOM)
    taken: list[str] = []
    while True:
        try:
            bus.tell(f"d{len(taken)}", document=DOCUMENT)
        except OutOfMemoryError:
            break
        taken.append(f"d{len(taken)}")
    # Somewhat more than full, so that a buffer which is freed makes no room for one more.
    bus.server.config_set("maxmemory", used(bus) - ROOM // 10)
    return taken


def test_a_full_server_is_drained_and_takes_more(owed: Bus) -> None:
    """Filled to its limit, the server refuses new work and lets all that is owed be handled; then it takes more."""
    owed.set(payload=SHORT_MS, log=SHORT_MS)
    owed.register("running")
    taken = fill(owed)
    assert len(taken) > 10
    with pytest.raises(OutOfMemoryError):
        owed.register("new")

    assert owed.beat("running").status == "ok"
    assert owed.look("running").status == "early"
    assert owed.cancel("running").status == "ok"
    assert owed.add("g").status == "known"
    first, second, third, *rest = taken
    fence = owed.begin(first, with_document=True).fence
    assert owed.renew(first, fence) == owed.release(first, fence) == Leased("ok")
    assert owed.bury(second, owed.begin(second).fence, age_ms=LONG_MS) == Leased("ok")
    for dispatch in (first, third, *rest):
        assert owed.handle(dispatch) == Leased("ok")
    assert owed.todo() == {}

    wait_until(lambda: owed.touch().status == "ok" and takes_more(owed), "the server takes new work again")
    assert set(owed.todo()) == {"more"}


def takes_more(bus: Bus) -> bool:
    try:
        return bus.tell("more", document=DOCUMENT).status in {"ok", "dup"}
    except OutOfMemoryError:
        return False
