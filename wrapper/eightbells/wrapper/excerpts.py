r"""An output stream as an event shows it: head and tail as text, cut at character borders, secrets masked.

Text that is not UTF-8 has `\xNN` in the place of the bytes that are none, and is marked as escaped.
"""

from __future__ import annotations

from eightbells.events.contract.limits import HEAD_BYTES, TAIL_BYTES

MASK = b"***"


class Excerpt:
    """The fields of an event's output. `head` is empty while `tail` holds everything."""

    __slots__ = ("escaped", "head", "tail", "total_bytes", "truncated")

    def __init__(self, head: str, tail: str, total_bytes: int, *, truncated: bool, escaped: bool) -> None:
        self.head = head
        self.tail = tail
        self.total_bytes = total_bytes
        self.truncated = truncated
        self.escaped = escaped

    def shorten(self, limit: int, *, with_head: bool = True) -> Excerpt:
        """Return it with at most so many characters of the beginning of its head and of the end of its tail."""
        head, tail = self.head[: limit if with_head else 0], self.tail[max(0, len(self.tail) - limit) :]
        is_shorter = len(head) + len(tail) < len(self.head) + len(self.tail)
        return Excerpt(head, tail, self.total_bytes, truncated=self.truncated or is_shorter, escaped=self.escaped)


def excerpt(head: bytes, tail: bytes, total: int, secrets: tuple[bytes, ...] = ()) -> Excerpt:
    """Return the excerpt of a window's head and tail (which overlap while the stream is short)."""
    if total <= HEAD_BYTES + TAIL_BYTES:
        whole = mask(head + tail[max(0, len(head) + len(tail) - total) :], secrets)
        text, escaped = decode(whole)
        return Excerpt("", text, total, truncated=False, escaped=escaped)
    first, escaped_first = decode(cut_end(mask(head, secrets)[:HEAD_BYTES]))
    last, escaped_last = decode(cut_start(mask(tail, secrets)[-TAIL_BYTES:]))
    return Excerpt(first, last, total, truncated=True, escaped=escaped_first or escaped_last)


def mask(data: bytes, secrets: tuple[bytes, ...]) -> bytes:
    """Return the bytes with every secret replaced."""
    for secret in secrets:
        data = data.replace(secret, MASK)
    return data


def decode(data: bytes) -> tuple[str, bool]:
    """Return the text, and whether bytes had to be escaped."""
    try:
        return data.decode(), False
    except UnicodeDecodeError:
        return data.decode("utf-8", "backslashreplace"), True


def cut_start(data: bytes) -> bytes:
    """Return the bytes without the rest of a character that was cut in two."""
    rest = 0
    while rest < min(3, len(data)) and data[rest] & 0xC0 == 0x80:
        rest += 1
    return data[rest:]


def cut_end(data: bytes) -> bytes:
    """Return the bytes without the beginning of a character that was cut in two."""
    for back in range(1, min(3, len(data)) + 1):
        byte = data[-back]
        if byte & 0xC0 == 0x80:
            continue
        length = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
        return data[:-back] if length > back else data
    return data
