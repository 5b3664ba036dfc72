"""The termination message: a record of this run in a file that the kubelet reads, whoever killed the container.

It is a bind mount that cannot be renamed into place, so each record is one write at its beginning, padded to the
length of what was there: a kill at any moment leaves the old record or the new one, whole. What the command itself
wrote into the file is never overwritten but by the final record, which quotes it.
"""

from __future__ import annotations

import _thread
import posix

FILE = "/dev/termination-log"
LIMIT = 4096
"""What the kubelet reads of it."""


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

    def left(self) -> str | None:
        """Return what the command wrote into the file, or None."""
        content = self._read().rstrip(b" \n\0")
        if not content or content == self._written.rstrip(b" "):
            return None
        return content.decode("utf-8", "backslashreplace")

    def write(self, record: bytes, *, is_final: bool = False) -> None:
        """Put the record into the file: a provisional one only while the file is ours and has no final one."""
        with self._lock:
            if self.is_there and (is_final or not (self._is_final or self.left())):
                self._is_final = is_final
                self._put(record[:LIMIT])

    def _put(self, record: bytes) -> None:
        try:
            size = posix.fstat(self._file).st_size
            if size > LIMIT:  # by the command; the kubelet reads the end, of which none may stay behind the record
                posix.ftruncate(self._file, LIMIT)
            self._written = record.ljust(min(size, LIMIT))
            posix.pwrite(self._file, self._written, 0)
        except OSError:
            self._file = -1

    def _read(self) -> bytes:
        try:
            return posix.pread(self._file, LIMIT, 0) if self.is_there else b""
        except OSError:
            return b""
