"""The pipes between the command and the container's own stdout and stderr, and whether there are any.

A stream that is a terminal or closed is handed over untouched. Where both streams are one open file, one pipe keeps
their order.
"""

from __future__ import annotations

import posix

STDOUT, STDERR = 1, 2
FIRST_FREE = 3

TYPE_CHECKING = False
if TYPE_CHECKING:
    from eightbells.wrapper.environment import Environment
    from eightbells.wrapper.spawn import Action


class Stream:
    """One stream on its way: the command writes into `entry`, we read from `source` and write to `sink`."""

    __slots__ = ("entry", "name", "sink", "sinks", "source")

    def __init__(self, sinks: tuple[int, ...]) -> None:
        source, entry = posix.pipe2(posix.O_CLOEXEC)
        self.source, self.entry = _above_standard(source), _above_standard(entry)
        self.sink = sinks[0]
        self.sinks = sinks
        self.name = "stdout" if self.sink == STDOUT else "stderr"

    @property
    def actions(self) -> list[Action]:
        """What makes the command's descriptors out of ours."""
        return [(posix.POSIX_SPAWN_DUP2, self.entry, sink) for sink in self.sinks]

    def close_entry(self) -> None:
        """Leave the command, and what it starts, as the only ones who can write."""
        posix.close(self.entry)


def open_streams(environment: Environment) -> list[Stream]:
    """Return the streams that are to be captured."""
    if environment.capture is False:
        return []
    wanted = [sink for sink in (STDOUT, STDERR) if _is_open(sink) and (environment.capture or not posix.isatty(sink))]
    groups = [tuple(wanted)] if _are_one(wanted) else [(sink,) for sink in wanted]
    return [Stream(sinks) for sinks in groups]


def _is_open(descriptor: int) -> bool:
    try:
        posix.fstat(descriptor)
    except OSError:
        return False
    return True


def _are_one(descriptors: list[int]) -> bool:
    """Whether both are the same pipe, socket, file or terminal; /dev/null, where no order can be lost, is not meant."""
    if len(descriptors) < 2:
        return False
    first, second = (posix.fstat(descriptor) for descriptor in descriptors)
    is_device = first.st_mode & 0o170000 == 0o020000 and not posix.isatty(descriptors[0])
    return (first.st_dev, first.st_ino) == (second.st_dev, second.st_ino) and not is_device


def _above_standard(descriptor: int) -> int:
    """Return it at a number that is not stdin, stdout or stderr, one of which we may have been started without."""
    if descriptor >= FIRST_FREE:
        return descriptor
    higher = _above_standard(posix.dup(descriptor))
    posix.close(descriptor)
    return higher
