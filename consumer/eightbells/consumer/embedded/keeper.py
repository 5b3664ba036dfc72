"""Keeps one server for its owners: `keeper.py PROGRAM DIRECTORY LOCK keep|remove`, with the first owner as stdin.

A script for a process of its own, of the standard library alone. An owner is a connection, and the server lives while
there is one: whoever dies, by whatever signal, the kernel closes what he held. Our own death kills the server
(PR_SET_PDEATHSIG; there is no second thread here whose end could be taken for ours). The lock (flock) is held by
whoever changes who runs here: it comes to us with the start and is let go once the server answers, and the server is
only stopped under it, so that nobody joins a server that is going.
"""

import ctypes
import fcntl
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

# File names in the data directory, which is our working directory.
LOCK = "lock"
LOG = "server.log"
OWNERS = "owners.sock"
SERVER = "server.sock"

READY = b"ready\n"

PR_SET_PDEATHSIG = 1
START_POLL_SECONDS = 0.01
JOIN_POLL_SECONDS = 0.05
# Time to write and sync what is left; longer than that is a disk that will not answer.
STOP_SECONDS = 10


class Keeper:
    """One server, the connections of its owners, and the lock while it is ours."""

    def __init__(self, server: subprocess.Popen[bytes], first: socket.socket, lock: int) -> None:
        self.server = server
        self.lock = lock
        self.is_locked = True
        self.is_ready = False
        self.owners = {first}
        self.leavers: set[socket.socket] = set()
        self.listener = listen()
        self.child_ended = wake_on(signal.SIGCHLD)
        self.selector = selectors.DefaultSelector()
        for readable in (self.listener, self.child_ended, first):
            self.selector.register(readable, selectors.EVENT_READ)

    def run(self) -> None:
        """Returns when the server has ended, or when the last owner has left and none is on the way."""
        while self.server.poll() is None and (self.owners or not self.take_lock()):
            for key, _ in self.selector.select(self.patience()):
                self.attend(key.fileobj)
            if not self.is_ready and answers():
                self.announce()
            if self.owners:
                self.dismiss()

    def patience(self) -> float | None:
        if not self.is_ready:
            return START_POLL_SECONDS
        return None if self.owners else JOIN_POLL_SECONDS

    def attend(self, readable: object) -> None:
        if readable is self.listener:
            self.admit(self.listener.accept()[0])
        elif readable is self.child_ended:
            self.child_ended.recv(64)
        elif isinstance(readable, socket.socket) and has_left(readable):
            self.selector.unregister(readable)
            self.owners.remove(readable)
            self.leavers.add(readable)

    def admit(self, owner: socket.socket) -> None:
        self.owners.add(owner)
        self.selector.register(owner, selectors.EVENT_READ)
        if self.is_ready:
            tell(owner, READY)

    def announce(self) -> None:
        self.is_ready = True
        for owner in self.owners:
            tell(owner, READY)
        fcntl.flock(self.lock, fcntl.LOCK_UN)
        self.is_locked = False

    def dismiss(self) -> None:
        """Lets those go who have left, as others stay. The last one's connection ends with us: then all is gone."""
        while self.leavers:
            self.leavers.pop().close()

    def take_lock(self) -> bool:
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        self.is_locked = True
        return True

    def stop(self) -> None:
        stop_server(self.server)
        Path(OWNERS).unlink(missing_ok=True)
        if not self.is_ready:
            for owner in self.owners:
                tell(owner, last_words())


def listen() -> socket.socket:
    Path(OWNERS).unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(OWNERS)
    listener.listen(64)
    return listener


def wake_on(number: signal.Signals) -> socket.socket:
    """A socket that becomes readable with the signal, whose own handler does nothing."""
    wakes, wake = socket.socketpair()
    wake.setblocking(False)
    signal.set_wakeup_fd(wake.detach(), warn_on_full_buffer=False)
    signal.signal(number, lambda *_: None)
    return wakes


def has_left(owner: socket.socket) -> bool:
    try:
        return not owner.recv(64)
    except ConnectionError:
        return True


def tell(owner: socket.socket, message: bytes) -> None:
    try:
        owner.sendall(message)
    except ConnectionError:
        return  # he has left: his end of file is on its way


def answers() -> bool:
    """Whether a server takes commands here; one that still loads its data does not."""
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(1)
            probe.connect(SERVER)
            probe.sendall(b"PING\r\n")
            return probe.recv(64).startswith(b"+PONG")
    except OSError:
        return False


def start_server(program: str) -> subprocess.Popen[bytes]:
    libc = ctypes.CDLL(None)
    keeper = os.getpid()

    def die_with_keeper() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != keeper:
            os._exit(1)

    return subprocess.Popen(
        [
            *(program, "--port", "0", "--unixsocket", SERVER, "--unixsocketperm", "700", "--daemonize", "no"),
            *("--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--maxmemory-policy", "noeviction"),
        ],
        stdin=subprocess.DEVNULL,
        preexec_fn=die_with_keeper,  # noqa: PLW1509  this process has one thread
        env={**os.environ, "LC_ALL": "C"},  # Redis 7.2 ends at once under a locale that the machine lacks
    )


def stop_server(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def last_words() -> bytes:
    """The end of the log, in one line."""
    return b" / ".join(Path(LOG).read_bytes().splitlines()[-5:])[-2000:] + b"\n"


def main(program: str, directory: str, lock: int, fate: str) -> None:
    if os.fork():
        os._exit(0)  # so that the owner has no child to wait for
    # Whoever stops the machine in an orderly way gets an orderly stop.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    os.set_inheritable(lock, False)
    os.chdir(directory)
    try:
        keeper = Keeper(start_server(program), socket.socket(fileno=os.dup(0)), lock)
        try:
            keeper.run()
        finally:
            keeper.stop()
    finally:
        if fate == "remove":
            shutil.rmtree(directory)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
