"""The result file: JSON that the command leaves for whoever reads its ending, read once when the command is dead.

It is the command's word: no link is followed and no device read, and what is no result is told and never raised.
"""

from __future__ import annotations

import posix
from _json import make_scanner

from eightbells.wrapper.document import to_json

BYTES = 64 * 1024
BLANK = " \t\r\n"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from eightbells.wrapper.outcome import Ending


class Rules:
    """JSON and nothing beyond it, as `json.JSONDecoder` would be told."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_int = int
    memo: dict[str, str] = {}  # noqa: RUF012 - the scanner keeps its keys apart, and only looks for the name

    @staticmethod
    def parse_float(text: str) -> float:
        """Return the number. Raises ValueError where it is beyond what a reader's double holds."""
        value = float(text)
        if value - value != 0:
            raise ValueError(f"{text[:40]} is too large")
        return value

    @staticmethod
    def parse_constant(text: str) -> float:
        """Refuse what JavaScript has and JSON has not."""
        raise ValueError(f"{text} is not JSON")


def take_result(ending: Ending, path: str, *, is_required: bool) -> None:
    """Put the result into the ending; one that is required and not there makes a success a failure."""
    try:
        ending.result = parse(read(path))
        return
    except FileNotFoundError:
        if not is_required:
            return
        problem = "it is not there"
    except OSError as error:
        problem = error.strerror or str(error)
    except Exception as error:  # noqa: BLE001 - whatever the command wrote, its ending is told
        problem = str(error) if isinstance(error, ValueError) else "it is not JSON"
    if is_required and ending.outcome.is_success:
        ending.outcome = ending.outcome.spoilt(f"the result {path} is not valid: {problem}")
    else:
        ending.warnings = (f"the result {path} is left out: {problem}", *ending.warnings)


def read(path: str) -> bytes:
    """Return the file. Raises OSError, and ValueError where it is too large or no file."""
    file = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC | posix.O_NOFOLLOW | posix.O_NONBLOCK)
    try:
        if posix.fstat(file).st_mode & 0o170000 != 0o100000:
            raise ValueError("it is no regular file")
        content = posix.pread(file, BYTES + 1, 0)
    finally:
        posix.close(file)
    if len(content) > BYTES:
        raise ValueError(f"it is longer than {BYTES // 1024} KiB")
    return content


def parse(content: bytes) -> Any:
    """Return the value. Raises whatever it is that shows that this is no JSON that an event can hold."""
    text = content.decode().strip(BLANK)
    value, end = make_scanner(Rules())(text, 0)  # type: ignore[arg-type]
    if end != len(text):
        raise ValueError(f"it is not JSON from character {end} on")
    to_json(value).encode()  # a lone surrogate is none, and nothing may be too deep
    return value
