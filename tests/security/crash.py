"""Makes a process crash as a fault of its own would, though it blocks every signal: as its tracer."""

import ctypes
import os
import signal

LIBC = ctypes.CDLL(None, use_errno=True)
ATTACH, CONTINUE, SET_SIGNAL_MASK = 16, 7, 0x420B
EVERY_THREAD = 0x40000000
"""__WALL, which the os module does not know."""


def crash(pid: int) -> int:
    """Kill the process by SIGSEGV and return its wait status."""
    nothing_blocked = ctypes.c_uint64(0)
    trace(ATTACH, pid)
    os.waitpid(pid, EVERY_THREAD)
    trace(SET_SIGNAL_MASK, pid, ctypes.sizeof(nothing_blocked), ctypes.byref(nothing_blocked))
    trace(CONTINUE, pid, None, ctypes.c_void_p(signal.SIGSEGV))
    return os.waitpid(pid, EVERY_THREAD)[1]


def trace(request: int, pid: int, address: int | None = None, data: object = None) -> None:
    """ptrace(2). Raises OSError."""
    if LIBC.ptrace(ctypes.c_long(request), pid, ctypes.c_void_p(address), data):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
