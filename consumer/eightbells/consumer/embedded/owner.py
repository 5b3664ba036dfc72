"""An owner's side: joins the server of a directory, or has a keeper start one.

Owning is a connection to the keeper, nothing else: it ends with `close` or with the process, and a server without an
owner ends.
"""

import fcntl
import os
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from eightbells.consumer.embedded import keeper
from eightbells.consumer.embedded.errors import BadDirectory, ServerNotStarted
from eightbells.consumer.embedded.program import find_program

LONGEST_SOCKET_PATH = 107  # bytes; sun_path of unix(7) has room for one more, the closing NUL
LOCK_POLL_SECONDS = 0.02
# Twice what the keeper gives the server to end.
CLOSE_SECONDS = 2 * keeper.STOP_SECONDS


@dataclass(frozen=True, slots=True)
class Server:
    """A server to use while this is open. Where a URL was given, nothing is owned and `directory` is None."""

    url: str
    directory: Path | None = None
    owning: socket.socket | None = field(default=None, repr=False, compare=False)

    def close(self) -> None:
        """Gives the server up. Returns when others own it on, or when it and all that was temporary are gone."""
        if self.owning is None or self.owning.fileno() < 0:
            return
        with self.owning as owning:
            owning.shutdown(socket.SHUT_WR)
            owning.settimeout(CLOSE_SECONDS)
            while owning.recv(64):
                pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def serve(url: str | None = None, directory: str | os.PathLike[str] | None = None, *, timeout: float = 60) -> Server:
    """A server that answers: the one at `url`, else one of ours in `directory`, shared with all who ask for the same.

    A directory is created where it is missing, and keeps its data; without one, a temporary directory goes with the
    last owner. Blocks for up to `timeout` seconds (a big append-only file takes its time to load). From a coroutine:
    `await asyncio.to_thread(serve)`; no thread needs to outlive the call. Use it as a context manager, or close it.
    Raises ServerNotFound, BadDirectory or ServerNotStarted.
    """
    if url is not None:
        return Server(url)
    program = find_program()
    home, fate = (temporary(), "remove") if directory is None else (prepare(Path(directory).absolute()), "keep")
    owning = own(program, home, fate, time.monotonic() + timeout)
    return Server(f"unix://{quote(str(home / keeper.SERVER))}?db=0", home, owning)


def temporary() -> Path:
    """A new private directory, for a keeper to remove."""
    refuse_long_path(Path(tempfile.gettempdir()) / "eightbells-12345678")
    return Path(tempfile.mkdtemp(prefix="eightbells-"))


def prepare(directory: Path) -> Path:
    """`directory`, existing and private. An existing one that is not is refused: its mode is its owner's business."""
    refuse_long_path(directory)
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise BadDirectory(f"The data directory {directory} cannot be made: {error.strerror}. Name another.") from error
    found = directory.stat()
    if found.st_uid != os.geteuid():
        raise BadDirectory(
            f"The data directory {directory} belongs to uid {found.st_uid}, we run as {os.geteuid()}. Name another."
        )
    mode = stat.S_IMODE(found.st_mode)
    if mode & 0o077:
        raise BadDirectory(
            f"The data directory {directory} is open to others (mode {mode:04o}), who could read and write every event."
            f" Say chmod 700 {directory}, or name another."
        )
    return directory


def refuse_long_path(directory: Path) -> None:
    size = len(os.fsencode(directory / keeper.SERVER))
    if size > LONGEST_SOCKET_PATH:
        raise BadDirectory(
            f"The data directory {directory} has too long a name: the path of its socket would have {size} bytes, and"
            f" the system allows {LONGEST_SOCKET_PATH}. Name a shorter one (a shorter TMPDIR, if it is temporary)."
        )


def own(program: Path, directory: Path, fate: str, deadline: float) -> socket.socket:
    """The connection that makes us an owner, once the server answers. Under the lock nobody else starts or ends one."""
    with locked(directory, deadline) as lock:
        owning = join(directory) or start(program, directory, fate, lock)
        try:
            owning.settimeout(max(deadline - time.monotonic(), LOCK_POLL_SECONDS))
            said = owning.recv(4096)
        except OSError as error:
            owning.close()
            raise ServerNotStarted(
                f"{program} does not answer in time. Its log is {directory / keeper.LOG}."
            ) from error
        if said != keeper.READY:
            owning.close()
            raise ServerNotStarted(
                f"{program} ended before it answered, and said: {said.decode(errors='replace').strip() or 'nothing'}"
                f" (in {directory / keeper.LOG})."
            )
        return owning


@contextmanager
def locked(directory: Path, deadline: float) -> Iterator[int]:
    """The directory's lock, let go by closing alone: a keeper started under it holds it until its server answers."""
    path = directory / keeper.LOCK
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while not is_taken(lock):
            if time.monotonic() > deadline:
                raise ServerNotStarted(
                    f"A server in {directory} is still being started or stopped by another process, which holds {path}."
                    " Wait for it, or end it."
                )
            time.sleep(LOCK_POLL_SECONDS)
        yield lock
    finally:
        os.close(lock)


def is_taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def join(directory: Path) -> socket.socket | None:
    """A connection to the keeper there is, or None."""
    owning = socket.socket(socket.AF_UNIX)
    try:
        owning.connect(str(directory / keeper.OWNERS))
    except (FileNotFoundError, ConnectionRefusedError):
        owning.close()
        return None
    return owning


def start(program: Path, directory: Path, fate: str, lock: int) -> socket.socket:
    """A connection to a new keeper. It has the other end from birth: at no moment would our death go unnoticed."""
    ours, theirs = socket.socketpair()
    with theirs, (directory / keeper.LOG).open("ab") as log:
        subprocess.run(
            [sys.executable, "-I", keeper.__file__, str(program), str(directory), str(lock), fate],
            stdin=theirs.fileno(),
            stdout=log,
            stderr=log,
            pass_fds=[lock],
            start_new_session=True,  # an interrupt at the terminal is for the owner, who still has work to hand back
            check=True,
        )
    return ours
