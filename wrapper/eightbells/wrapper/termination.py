"""The termination message: a record of this run in a file that the kubelet reads, whoever killed the container.

It is a bind mount that cannot be renamed into place, so each record is one write at its beginning: a kill at any moment
leaves the old record or the new one, whole. One of a run that goes on is always of the same length, so that it never
grows over what the command appends. What the command wrote itself is overwritten by the final record alone, which
quotes it.
"""

from __future__ import annotations

import _thread
import posix

from eightbells.wrapper.excerpts import cut_end, decode, mask

FILE = "/dev/termination-log"
LIMIT = 4096
"""What the kubelet reads of it: the end."""

PROVISIONAL_LIMIT = 2800
"""A record of a run that goes on, padded: 2 KiB of output."""


class TerminationLog:
    """The file, which need not be there; nothing that goes wrong with it matters to anything else."""

    def __init__(self, path: str) -> None:
        self._lock = _thread.allocate_lock()
        self._written = b""
        self._is_final = False
        try:
            self._file = posix.open(path or FILE, posix.O_RDWR | posix.O_CLOEXEC)
        except OSError:
            self._file = -1

    @property
    def is_there(self) -> bool:
        """Whether there is a file to write to."""
        return self._file >= 0

    def left(self, secrets: tuple[bytes, ...] = ()) -> str | None:
        """Return what the command wrote into the file, the first 4096 bytes of it, with the secrets masked; or None."""
        text = find_foreign(self._read(), self._written).strip(b" \n\0")
        text = cut_end(text[:LIMIT]) if len(text) > LIMIT else text
        return decode(mask(text, secrets))[0] or None

    def write(self, record: bytes, *, is_final: bool = False) -> None:
        """Put the record into the file: a provisional one only where nothing or our last one is, and none after the
        final one.
        """
        with self._lock:
            try:
                if is_final:
                    self._is_final = True
                    self._replace(record[:LIMIT])
                elif not self._is_final and self._is_ours():
                    self._written = record.ljust(PROVISIONAL_LIMIT)
                    posix.pwrite(self._file, self._written, 0)
            except OSError:
                self._file = -1

    def _replace(self, record: bytes) -> None:
        size = posix.fstat(self._file).st_size
        if size > LIMIT:  # by the command; of what the kubelet reads, the end, none may stay behind the record
            posix.ftruncate(self._file, LIMIT)
        posix.pwrite(self._file, record.ljust(min(size, LIMIT)), 0)
        posix.ftruncate(self._file, len(record))  # whatever somebody has appended meanwhile

    def _is_ours(self) -> bool:
        content = self._read()
        return content.startswith(self._written) if self._written else not content

    def _read(self) -> bytes:
        try:
            return posix.pread(self._file, PROVISIONAL_LIMIT + LIMIT, 0) if self.is_there else b""
        except OSError:
            return b""


def find_foreign(content: bytes, written: bytes) -> bytes:
    """Return what of the content somebody else wrote: behind what we had written, over its beginning, or instead."""
    if content.startswith(written):
        return content[len(written) :]
    end = len(content)
    if end == len(written):
        while content[end - 1] == written[end - 1]:
            end -= 1
    return content[:end]
