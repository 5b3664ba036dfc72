"""What is kept of a stream is its true beginning and end, as text, without our secrets."""

import pytest
from eightbells.events.contract.limits import HEAD_BYTES, TAIL_BYTES
from eightbells.wrapper.excerpts import MASK, Excerpt, excerpt
from eightbells.wrapper.windows import Window
from hypothesis import given, settings
from hypothesis import strategies as some

WHOLE = HEAD_BYTES + TAIL_BYTES
SECRET = b"hunter2-hunter2"


def read(chunks: list[bytes], secrets: tuple[bytes, ...] = ()) -> Excerpt:
    """Feed the chunks as the pump does: through two buffers that are overwritten in turn."""
    window = Window()
    buffers = [bytearray(70_000), bytearray(70_000)]
    for number, chunk in enumerate(chunks):
        buffer = buffers[number % 2]
        buffer[: len(chunk)] = chunk
        window.feed(memoryview(buffer)[: len(chunk)])
    return excerpt(*window.read(), secrets)


@settings(max_examples=150, deadline=None)
@given(some.lists(some.integers(1, 70_000), max_size=12))
def test_head_and_tail_are_those_of_the_stream(lengths: list[int]) -> None:
    """However the bytes come, the first 4 KiB and the last 12 KiB are kept, or all where that is all there was."""
    stream = "".join(f"{number:06d}\n" for number in range(sum(lengths) // 7 + 1)).encode()[: sum(lengths)]
    chunks, rest = [], stream
    for length in lengths:
        chunks.append(rest[:length])
        rest = rest[length:]
    got = read(chunks)
    assert got.total_bytes == len(stream)
    if len(stream) <= WHOLE:
        assert (got.head, got.tail, got.truncated) == ("", stream.decode(), False)
    else:
        head, tail = stream[:HEAD_BYTES].decode(), stream[-TAIL_BYTES:].decode()
        assert (got.head, got.tail, got.truncated) == (head, tail, True)


@settings(max_examples=150, deadline=None)
@given(
    some.sampled_from(["ü", "€", "⛵"]), some.integers(0, 3), some.integers(0, 3), some.integers(2 * WHOLE, 3 * WHOLE)
)
def test_no_character_is_cut(character: str, before: int, after: int, length: int) -> None:
    """Text in UTF-8 is never escaped because of where it was cut, and loses three bytes at most."""
    stream = b"a" * before + character.encode() * (length // len(character.encode())) + b"a" * after
    got = read([stream[start : start + 10_000] for start in range(0, len(stream), 10_000)])
    assert not got.escaped
    assert set(got.head + got.tail) <= {"a", character}
    assert HEAD_BYTES - 3 <= len(got.head.encode()) <= HEAD_BYTES
    assert TAIL_BYTES - 3 <= len(got.tail.encode()) <= TAIL_BYTES


@pytest.mark.parametrize("stream", [b"na\xefve", b"\xff" * 20_000, b"ok\n" * 5000 + b"\xf0\x9f"])
def test_what_is_no_text_is_escaped_and_marked(stream: bytes) -> None:
    """Bytes that are no UTF-8 are shown as such, a character that the command left unfinished included."""
    got = read([stream])
    assert got.escaped
    assert "\\x" in got.tail


NEAR_HEAD = some.integers(HEAD_BYTES - 20, HEAD_BYTES + 5)
NEAR_TAIL = some.integers(TAIL_BYTES - 20, TAIL_BYTES + 5)


@settings(max_examples=150, deadline=None)
@given(NEAR_HEAD | some.integers(0, 2 * WHOLE), NEAR_TAIL | some.integers(0, 2 * WHOLE), some.integers(1, 9000))
def test_a_secret_is_masked_wherever_it_lies(before: int, after: int, chunk: int) -> None:
    """Our password is not in the excerpt, nor half of it at an edge, however it came."""
    stream = b"." * before + SECRET + b"." * after
    got = read([stream[start : start + chunk] for start in range(0, len(stream), chunk)], (SECRET,))
    text = got.head + got.tail
    assert "hunter" not in text
    assert set(text) <= {".", "*"}
    assert got.total_bytes == len(stream)
    assert before + after > WHOLE - 100 or MASK.decode() in text
