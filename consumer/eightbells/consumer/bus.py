"""A group's view of one namespace of the bus: the scripts bound to a client, and the two places to read from."""

from collections.abc import Sequence
from typing import Any

from eightbells.consumer.connection import BLOCK_SECONDS, ResponseError
from eightbells.events import leasing
from eightbells.events.contract import keys
from eightbells.events.leasing import Begun, DeadLetter, GroupReply, Held, Leased, Release, Wanted
from eightbells.events.request import execute_async
from msgspec import Struct
from redis.asyncio import Redis

READER = "eightbells"
"""The consumer's name in the stream group, the same for every process: it is kept for ever, and NOACK needs none."""


class Entry(Struct, frozen=True):
    """One entry of the log: the four fields of the bus, not decoded."""

    id: str
    dispatch: str
    state: str
    event_id: str
    document: bytes


class Bus:
    """The scripts of `leasing` for one namespace, group and owner. Errors of the client pass."""

    def __init__(self, client: "Redis", namespace: str, group: str, owner: str) -> None:
        self._client = client
        self.namespace = namespace
        self.group = group
        self.owner = owner
        self._log = keys.log(namespace)
        self._todo = keys.todo(namespace, group)

    async def begin(self, wanted: Sequence[Wanted], lease_ms: int) -> list[Begun]:
        """Ask for the lease on 1 to 500 events."""
        request = leasing.begin(self.namespace, self.group, wanted, owner=self.owner, lease_ms=lease_ms)
        return await execute_async(self._client, request)

    async def renew(self, held: Sequence[Held], lease_ms: int) -> list[Leased]:
        """Keep 1 to 500 leases."""
        return await execute_async(self._client, leasing.renew(self.namespace, self.group, held, lease_ms=lease_ms))

    async def release(self, released: Sequence[Release]) -> list[Leased]:
        """Give 1 to 500 leases back."""
        return await execute_async(self._client, leasing.release(self.namespace, self.group, released))

    async def commit(self, held: Sequence[Held]) -> list[Leased]:
        """Record 1 to 500 endings as handled."""
        return await execute_async(self._client, leasing.commit(self.namespace, self.group, held))

    async def dead(self, letters: Sequence[DeadLetter]) -> list[Leased]:
        """Move 1 to 500 endings to the dead letters."""
        return await execute_async(self._client, leasing.dead(self.namespace, self.group, letters))

    async def join(self) -> GroupReply:
        """Register the group where it is not, and give it its place in the log; `count` endings were dropped
        while it was dormant.
        """
        reply = await execute_async(self._client, leasing.add_group(self.namespace, self.group))
        await self.place_in_log()
        return reply

    async def touch(self) -> GroupReply:
        """Say that the group is consumed."""
        return await execute_async(self._client, leasing.touch_group(self.namespace, self.group))

    async def place_in_log(self) -> None:
        """Make the group's place in the log, always at the start: begin answers `done` for what is committed, so
        that reading again is safe, and a remembered place would skip what it does not know of.
        """
        try:
            await self._client.xgroup_create(self._log, self.group, id="0", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    async def read(self, count: int) -> list[Entry] | None:
        """Return up to `count` new entries of the log, waiting a few seconds for the first; NOACK, because the queue
        holds what is owed. None: the log has no place for this group, or none any more; `join` makes it.
        """
        try:
            reply: Any = await self._client.xreadgroup(
                self.group, READER, {self._log: ">"}, count, int(BLOCK_SECONDS * 1000), noack=True
            )
        except ResponseError as error:
            if "NOGROUP" in str(error) or "UNBLOCKED" in str(error):
                return None
            raise
        return [entry(*one) for _, entries in reply for one in entries if one[1]]

    async def due(self, count: int) -> list[str]:
        """Return up to `count` dispatches that are due in the queue, the longest waiting first."""
        seconds, microseconds = await self._client.time()
        now = seconds * 1000 + microseconds // 1000
        members: Any = await self._client.zrange(self._todo, 0, now, byscore=True, offset=0, num=count)
        return [str(member, "utf-8", "replace") for member in members]


def entry(id_: bytes, fields: dict[bytes, bytes]) -> Entry:
    """Return an entry of the log; a field that is missing is empty."""
    return Entry(
        str(id_, "ascii"),
        str(fields.get(b"k", b""), "utf-8", "replace"),
        str(fields.get(b"s", b""), "utf-8", "replace"),
        str(fields.get(b"i", b""), "utf-8", "replace"),
        fields.get(b"d", b""),
    )
