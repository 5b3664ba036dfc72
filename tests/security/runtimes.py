"""A directory that the wrapper runs from, as it lies on a volume: its packages, owned by the command's user."""

import os
import shutil
from pathlib import Path

from tests.security.attackers import CONTAINER, HOME, PYTHON, USER
from tests.wrapper.wrapping import START


class Runtime:
    """A copy of our packages in a directory; `file` is one of those that a start executes."""

    def __init__(self, directory: Path) -> None:
        shutil.copytree(HOME, directory, dirs_exist_ok=True)
        self.directory = directory
        self.file = directory / "eightbells/wrapper/main.py"
        for path in (directory, *directory.rglob("*")):
            os.chown(path, USER, USER)
        start = START.format(paths=[str(directory)])
        self.program = [PYTHON, "-X", "utf8", "-ISBc", start, "--"]

    @property
    def read_only(self) -> tuple[str, ...]:
        """The words that start what follows in a container where the directory is mounted read-only."""
        mounting = f'mount --bind -o ro {self.directory} {self.directory} && exec "$@"'
        return (*CONTAINER, "sh", "-c", mounting, "sh")
