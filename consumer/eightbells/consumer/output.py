"""Live output put together: of what comes from the bus, each byte once and in its place, and every hole named.

An entry may have been sent twice, dropped by who sent it, or trimmed before it was read; its run, stream and offset
tell. Nothing here knows the server.
"""

from collections.abc import Iterator
from typing import Any, Literal

from msgspec import Struct

Why = Literal["", "dropped", "aged"]


class Piece(Struct, frozen=True):
    """Bytes of a run's stream from `offset` on; or a gap of so many `lost` bytes, and why they are: `dropped`, because
    the bus was slow or away, or `aged`: they are no longer kept.
    """

    run: str
    stream: str
    offset: int
    data: bytes = b""
    lost: int = 0
    why: Why = ""

    @property
    def end(self) -> int:
        """The offset of what follows."""
        return self.offset + len(self.data) + self.lost


def parse_piece(fields: dict[bytes, bytes]) -> Piece | None:
    """Return what an entry holds; None for one of a kind that this version does not know."""
    try:
        run, stream = str(fields[b"r"], "utf-8", "replace"), str(fields[b"s"], "ascii")
        offset = int(fields[b"o"])
        if b"d" in fields:
            return Piece(run, stream, offset, fields[b"d"])
        return Piece(run, stream, offset, lost=int(fields[b"g"]), why="dropped")
    except (KeyError, ValueError):
        return None


class Reassembly:
    """What was seen of each stream of each run, from the offset `start` on."""

    def __init__(self, start: int = 0) -> None:
        self._start = start
        self._seen: dict[tuple[str, str], int] = {}

    @property
    def is_empty(self) -> bool:
        """Whether nothing has come yet."""
        return not self._seen

    def take(self, piece: Piece) -> Iterator[Piece]:
        """Return what of the piece is new, after the hole before it, if there is one."""
        end = self._seen.get((piece.run, piece.stream), self._start)
        self._seen[piece.run, piece.stream] = max(end, piece.end)
        if piece.end <= end:
            return
        if piece.offset > end:
            yield Piece(piece.run, piece.stream, end, lost=piece.offset - end, why="aged")
        first = max(end, piece.offset)
        if piece.lost:
            yield Piece(piece.run, piece.stream, first, lost=piece.end - first, why="dropped")
        else:
            yield Piece(piece.run, piece.stream, first, piece.data[first - piece.offset :])

    def finish(self, run: str, totals: dict[str, int]) -> Iterator[Piece]:
        """Return the holes at the end of a run that has written so many bytes, if anything of it has come."""
        if not any(seen == run for seen, _ in self._seen):
            return
        for stream, total in totals.items():
            end = self._seen.get((run, stream), self._start)
            if total > end:
                yield Piece(run, stream, end, lost=total - end, why="dropped")


def parse_entries(entries: Any) -> Iterator[Piece]:
    """Return the pieces of entries as the client gives them; one that was deleted has no fields."""
    for _, fields in entries:
        piece = parse_piece(fields or {})
        if piece is not None:
            yield piece
