"""The pip console script: starts the wrapper anew, apart from the user's packages and Python variables.

There is no launcher here, so a TERM within the first milliseconds can end the wrapper before its command starts; an
image uses the runtime. What the script can do beforehand it does: become the one who inherits orphans.
"""

from __future__ import annotations

import posix
import sys

from eightbells.wrapper.environment import find_environment
from eightbells.wrapper.prctl import become_subreaper

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

START = "import sys; sys.path += {paths!r}; from eightbells.wrapper.main import main; main()"


def run() -> NoReturn:
    """Become the wrapper: the same process, an isolated interpreter, the environment as it was found."""
    become_subreaper()
    command = [sys.executable, "-X", "utf8", "-ISBc", START.format(paths=find_paths()), *sys.argv[1:]]
    posix.execve(sys.executable, command, find_environment())


def find_paths() -> list[str]:
    """Return where our own package is and where hiredis is; an interpreter without `site` knows neither."""
    own = __file__.rpartition("/eightbells/")[0]
    paths = (path for path in (own, *sys.path) if path.startswith("/"))
    return list(dict.fromkeys((own, next((path for path in paths if _has_hiredis(path)), own))))


def _has_hiredis(path: str) -> bool:
    try:
        posix.stat(f"{path}/hiredis/__init__.py")
    except OSError:
        return False
    return True
