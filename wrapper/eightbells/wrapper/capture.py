"""The pipes between the command and the container's own stdout and stderr, and whether there are any.

A stream that is a terminal or closed is handed over untouched. Where both streams are one open file, one pipe keeps
their order.
"""

from __future__ import annotations

import posix

STDOUT, STDERR = 1, 2

TYPE_CHECKING = False
if TYPE_CHECKING:
    from eightbells.wrapper.environment import Environment
    from eightbells.wrapper.spawn import Action


class Stream:
    """One stream on its way: the command writes into `entry`, we read from `source` and write to `sink`."""

    __slots__ = ("entry", "name", "sink", "sinks", "source")

    def __init__(self, sinks: tuple[int, ...]) -> None:
        self.source, self.entry = posix.pipe2(posix.O_CLOEXEC)
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
    """Whether we were started with it: what was inherited would be by the command, too, and placeholders would not."""
    return posix.get_inheritable(descriptor)


def _are_one(descriptors: list[int]) -> bool:
    """Whether both are the same pipe, socket, file or terminal; /dev/null, where no order can be lost, is not meant."""
    if len(descriptors) < 2:
        return False
    first, second = (posix.fstat(descriptor) for descriptor in descriptors)
    is_device = first.st_mode & 0o170000 == 0o020000 and not posix.isatty(descriptors[0])
    return (first.st_dev, first.st_ino) == (second.st_dev, second.st_ino) and not is_device
