"""What the demo promises, checked on what the handler saw and on the records that the server keeps."""

from collections.abc import Mapping
from typing import Any

from eightbells.consumer.demo.cases import Case
from eightbells.consumer.demo.ledger import Ledger
from eightbells.events.contract import keys
from msgspec import Struct
from redis.asyncio import Redis


class Promise(Struct, frozen=True):
    """One promise, and what broke it: nothing, if it held."""

    says: str
    broken: tuple[str, ...] = ()


async def read_records(client: "Redis", namespace: str, cases: tuple[Case, ...], group: str) -> dict[str, list[str]]:
    """Return of each dispatch: its ending's state, how many other endings were refused, the group's field."""
    records = {}
    for one in cases:
        fields = ["end", "conflicts", f"g:{group}"]
        values: list[Any] = await client.hmget(keys.record(namespace, one.dispatch), fields)
        records[one.dispatch] = [str(value or b"", "utf-8") for value in values]
    return records


def check(
    cases: tuple[Case, ...], ledger: Ledger, records: Mapping[str, list[str]], statuses: Mapping[str, int], owed: int
) -> list[Promise]:
    """Return every promise with what broke it."""
    uncommitted = [name for name, (_, _, group) in records.items() if not group.startswith("c ")]
    return [
        Promise("every dispatch has one ending", tuple(name for name, (end, _, _) in records.items() if not end)),
        Promise("each is delivered once", tuple(f"{k} {n} times" for k, n in ledger.times_delivered.items() if n != 1)),
        Promise("each is committed once", tuple(uncommitted)),
        Promise("nothing is owed any more", (f"{owed} are",) if owed else ()),
        Promise("each ended as it had to", tuple(filter(None, (compare(one, ledger) for one in cases)))),
        Promise("reporting changed no exit code", tuple(exit_codes(cases, statuses))),
    ]


def compare(one: Case, ledger: Ledger) -> str:
    """Return how the ending that came differs from the one that had to; '' if it does not."""
    delivery = ledger.endings.get(one.dispatch)
    if delivery is None:
        return f"{one.dispatch}: no ending"
    data = delivery.event.data
    if one.act == "race":
        known = {("wrapper", "exit_nonzero"), ("reconciler", "node_lost")}
        return "" if (data.reporter, data.code) in known else f"{one.dispatch}: {data.reporter} says {data.code}"
    came = (data.state, data.code, data.exit_code, data.signal)
    had_to = (one.state, one.code, one.exit_code, one.signal)
    if came != had_to:
        return f"{one.dispatch}: {came} instead of {had_to}"
    written = data.stdout.total_bytes if data.stdout else 0
    if one.output_bytes is not None and written != one.output_bytes:
        return f"{one.dispatch}: {written} bytes of output instead of {one.output_bytes}"
    return ""


def exit_codes(cases: tuple[Case, ...], statuses: Mapping[str, int]) -> list[str]:
    """Return the wrappers that exited otherwise than their command. One that is told that its dispatch has ended
    stops it, so a race that the rival wins may end by SIGTERM.
    """
    return [
        f"{one.dispatch} exited {statuses.get(one.dispatch)}"
        for one in cases
        if statuses.get(one.dispatch) not in ({one.exit_status, 143} if one.act == "race" else {one.exit_status})
    ]
