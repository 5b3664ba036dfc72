"""Binaries: which libraries they need, how much of them is loaded, and which of their paths lead into an image.

Only what is needed of ELF (elf(5)): 64 bits, little-endian, program headers.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

from tools.runtime.target import Unbuildable

PT_LOAD, PT_DYNAMIC = 1, 2
DT_NEEDED, DT_STRTAB, DT_RPATH, DT_RUNPATH = 1, 5, 15, 29


def read_needed(binary: bytes) -> list[str]:
    """Return the names of the libraries that the binary asks its loader for."""
    tags = list(_dynamic(binary))
    table = next((_offset(binary, value) for tag, value in tags if tag == DT_STRTAB), 0)
    names = [table + value for tag, value in tags if tag == DT_NEEDED]
    return [binary[at : binary.index(b"\0", at)].decode() for at in names]


def has_search_path(binary: bytes) -> bool:
    """Whether the binary looks for libraries somewhere else than where its loader is told to."""
    return any(tag in (DT_RPATH, DT_RUNPATH) for tag, _ in _dynamic(binary))


def strip(binary: bytes) -> bytes:
    """Return the binary without what is never loaded: symbols, debugging information, the table of sections."""
    end = max(offset + size for kind, offset, _, size in _segments(binary) if kind == PT_LOAD)
    header = bytearray(binary[:64])
    header[40:48] = bytes(8)  # e_shoff
    header[58:64] = struct.pack("<HHH", 64, 0, 0)  # e_shentsize, e_shnum, e_shstrndx
    return bytes(header) + binary[64:end]


def blind(binary: bytes, paths: tuple[str, ...], name: str) -> bytes:
    """Return the binary with paths it would read made ones that are never there. Raises `Unbuildable`."""
    for path in paths:
        found = b"\0" + path.encode() + b"\0"
        if binary.count(found) != 1:
            raise Unbuildable(f"{name} holds {path!r} {binary.count(found)} times, not once: another version of it?")
        nowhere = b"/dev/null/" + b"-" * len(path)
        binary = binary.replace(found, b"\0" + nowhere[: len(path)] + b"\0")
    return binary


def read_machine(path: Path) -> int | None:
    """Return the number of the machine that the file is for; None for a file that is no binary."""
    with path.open("rb") as file:
        start = file.read(20)
    return struct.unpack_from("<H", start, 18)[0] if start[:4] == b"\x7fELF" else None


def _segments(binary: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Kind, offset in the file, address and size in the file of each."""
    table, size, count = struct.unpack_from("<Q14xHH", binary, 32)
    for at in range(table, table + size * count, size):
        kind, offset, address, length = struct.unpack_from("<I4xQQ8xQ", binary, at)
        yield kind, offset, address, length


def _dynamic(binary: bytes) -> Iterator[tuple[int, int]]:
    for kind, offset, _, size in _segments(binary):
        if kind == PT_DYNAMIC:
            yield from struct.iter_unpack("<QQ", binary[offset : offset + size // 16 * 16])


def _offset(binary: bytes, address: int) -> int:
    """Where in the file is what the program sees at this address."""
    for kind, offset, start, size in _segments(binary):
        if kind == PT_LOAD and start <= address < start + size:
            return offset + address - start
    raise Unbuildable(f"no segment holds the address {address:#x}")
