"""Much output: a gigabyte without a line break, byte for byte."""

import hashlib

import pytest

from tests.wrapper.wrapping import PYTHON, Dispatch

BLOCK = bytes(range(11, 251)) * 4000
BLOCKS = 1_000_000_000 // len(BLOCK) + 1


@pytest.mark.serial
def test_a_gigabyte_without_a_line_break_passes(dispatch: Dispatch) -> None:
    """It arrives whole and is counted to the byte, and the event has its ends."""
    code = f"import posix\nb = bytes(range(11, 251)) * 4000\nfor _ in range({BLOCKS}):\n d = b\n while d: "
    code += "d = d[posix.write(1, d):]"
    process = dispatch.start(*PYTHON, code)
    assert process.stdout is not None
    got, expected = hashlib.blake2b(), hashlib.blake2b()
    while chunk := process.stdout.read(1 << 20):
        got.update(chunk)
    assert process.finish().exit_code == 0
    for _ in range(BLOCKS):
        expected.update(BLOCK)
    assert got.digest() == expected.digest()
    assert dispatch.ending.stdout is not None
    assert dispatch.ending.stdout.total_bytes == BLOCKS * len(BLOCK)
    assert dispatch.ending.warnings == ()
