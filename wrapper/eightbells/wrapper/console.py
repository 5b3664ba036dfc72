"""The pip console script: starts the wrapper anew, apart from the user's packages and Python variables.

There is no launcher here, so a TERM within the first milliseconds can end the wrapper before its command starts; an
image uses the runtime. Until it is isolated it imports built-in modules and our own alone.
"""

from __future__ import annotations

import posix
import sys

from eightbells.wrapper.environment import find_environment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

START = "import sys; sys.path += {paths!r}; from eightbells.wrapper.console import start; start()"
"""What the isolated interpreter executes."""


def run() -> NoReturn:
    """Become the wrapper: the same process, an isolated interpreter, the environment as it was found."""
    code = START.format(paths=find_paths())
    command = [sys.executable, "-X", "utf8", "-ISBc", code, *sys.argv[1:]]
    posix.execve(sys.executable, command, find_environment())


def start() -> NoReturn:
    """Inherit what the command will leave behind, then be the wrapper."""
    from eightbells.wrapper.main import attempt, main
    from eightbells.wrapper.prctl import become_subreaper

    attempt("orphans are not ours", become_subreaper, False)
    main()


def find_paths() -> list[str]:
    """Return where our own package is and where hiredis is; an interpreter without `site` knows neither."""
    own = __file__.rpartition("/eightbells/")[0]
    paths = (path for path in (own, *sys.path) if path.startswith("/"))
    found = (path for path in paths if posix.access(f"{path}/hiredis/__init__.py", posix.F_OK))
    return list(dict.fromkeys((own, next(found, own))))
