"""Starts the command as execvp would have: the same search, the same fall-back to /bin/sh, a reason when it fails.

The command gets its own process group, the signal mask that we were given, and SIGPIPE and SIGXFSZ as they are by
default, because the interpreter ignores both. Descriptors of ours are close-on-exec; no other is touched.
"""

from __future__ import annotations

import errno
import posix

from eightbells.wrapper.signals import IGNORED_BY_PYTHON

SEARCHED = b"/usr/local/bin:/usr/bin:/bin"
"""Where a command is looked for when there is no PATH."""

SHELL = b"/bin/sh"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import NoReturn

    from eightbells.wrapper.terminal import Terminal

    Action = tuple[int, int, int]
    Start = Callable[[bytes, list[bytes]], int]


class NotStarted(Exception):
    """The command could not be started: the code, the exit code that a shell would give, and what to do about it."""

    def __init__(self, code: str, exit_code: int, message: str, remedy: str) -> None:
        super().__init__(message)
        self.code = code
        self.exit_code = exit_code
        self.remedy = remedy


def spawn(
    argv: list[bytes],
    environment: dict[bytes, bytes],
    actions: Sequence[Action],
    mask: set[int],
    terminal: Terminal | None,
) -> int:
    """Start the command and return its process id, which is also its process group. Raises `NotStarted`."""
    start = _spawner(environment, actions, mask) if terminal is None else _forker(environment, actions, mask, terminal)
    denied = False
    for path in _candidates(argv[0], environment):
        try:
            return _execute(path, argv, start)
        except (FileNotFoundError, NotADirectoryError):
            if posix.access(path, posix.F_OK):
                raise _no_interpreter(path) from None
        except PermissionError:
            denied = True  # execvp goes on: the next directory may have one that can be executed
        except OSError as problem:
            raise _refused(path, problem) from None
    if denied:
        raise _not_executable(argv[0], environment)
    raise NotStarted("command_not_found", 127, f"{_name(argv[0])}: command not found", _where(argv[0], environment))


def is_there(name: bytes, environment: dict[bytes, bytes]) -> bool:
    """Whether a command of this name would be found."""
    return bool(_candidates(name, environment))


def _candidates(name: bytes, environment: dict[bytes, bytes]) -> list[bytes]:
    if b"/" in name:
        return [name]
    directories = environment.get(b"PATH", SEARCHED).split(b":")
    paths = [(directory or b".") + b"/" + name for directory in directories] if name else []
    return [path for path in paths if posix.access(path, posix.F_OK)]


def _execute(path: bytes, argv: list[bytes], start: Start) -> int:
    """Start this file, by the shell where the kernel does not know what it is."""
    try:
        return start(path, argv)
    except OSError as problem:
        if problem.errno != errno.ENOEXEC or not posix.access(SHELL, posix.F_OK):
            raise
    return start(SHELL, [SHELL, path, *argv[1:]])


def _spawner(environment: dict[bytes, bytes], actions: Sequence[Action], mask: set[int]) -> Start:
    def start(path: bytes, argv: list[bytes]) -> int:
        return posix.posix_spawn(
            path, argv, environment, file_actions=actions, setpgroup=0, setsigmask=mask, setsigdef=IGNORED_BY_PYTHON
        )

    return start


def _forker(environment: dict[bytes, bytes], actions: Sequence[Action], mask: set[int], terminal: Terminal) -> Start:
    def start(path: bytes, argv: list[bytes]) -> int:
        def execute() -> NoReturn:
            for _, ours, theirs in actions:
                posix.dup2(ours, theirs)
            posix.execve(path, argv, environment)

        return terminal.fork(execute, mask)

    return start


def _no_interpreter(path: bytes) -> NotStarted:
    interpreter = find_interpreter(path) or "its interpreter or loader"
    return NotStarted(
        "command_not_found",
        127,
        f"{_name(path)}: cannot be executed, because {interpreter} is not there",
        "install what it names, or build it for this image (another libc, another architecture, a static binary)",
    )


def find_interpreter(path: bytes) -> str:
    """Return what the kernel needs to execute the file: the program of its `#!` line, or its ELF loader; or ''."""
    try:
        with open(path, "rb") as file:
            start = file.read(4096)
    except OSError:
        return ""
    if start.startswith(b"#!"):
        words = start[2:].partition(b"\n")[0].split()
        return _name(words[0]) if words else ""
    at = start.find(b"/ld") if start.startswith(b"\x7fELF") else -1
    return _name(start[start.rfind(b"\0", 0, at) + 1 : start.find(b"\0", at)]) if at > 0 else ""


def _not_executable(name: bytes, environment: dict[bytes, bytes]) -> NotStarted:
    message, remedy = f"{_name(name)}: permission denied", "make it executable (chmod +x) for the container's user"
    if any(_is_directory(path) for path in _candidates(name, environment)):
        message, remedy = f"{_name(name)}: is a directory", "name a program"
    return NotStarted("command_not_executable", 126, message, remedy)


def _is_directory(path: bytes) -> bool:
    try:
        return posix.stat(path).st_mode & 0o170000 == 0o040000
    except OSError:
        return False  # a directory on the way to it is closed to us


def _refused(path: bytes, problem: OSError) -> NotStarted:
    message = f"{_name(path)}: {problem.strerror}"
    if problem.errno in (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE):
        return NotStarted("cannot_start", 126, message, "raise the limit of processes, memory or open files")
    remedy = "shorten its arguments or environment" if problem.errno == errno.E2BIG else "name a program or a script"
    return NotStarted("command_not_executable", 126, message, remedy)


def _where(name: bytes, environment: dict[bytes, bytes]) -> str:
    if b"/" in name:
        return "the path does not exist in this image"
    return f"it is in no directory of PATH ({_name(environment.get(b'PATH', SEARCHED))})"


def _name(raw: bytes) -> str:
    return raw[:400].decode("utf-8", "backslashreplace")
