"""The one line that the wrapper says on stderr when something is not well; it says nothing otherwise.

It never waits: a reader of stderr who has stopped reading loses the line, and the init goes on.
"""

from __future__ import annotations

import posix
import select

PREFIX = "eightbells-wrapper: "
WRITABLE_BYTES = 4096
"""What a pipe that poll calls writable takes without blocking: PIPE_BUF, pipe(7)."""


def say(text: str) -> None:
    """Write the line, or drop it when nobody takes it."""
    line = (PREFIX + text.replace("\n", " ") + "\n").encode("utf-8", "backslashreplace")
    try:
        poll = select.poll()
        poll.register(2, select.POLLOUT)
        if any(event & select.POLLOUT for _, event in poll.poll(0)):
            posix.write(2, line[:WRITABLE_BYTES])
    except OSError:
        pass
