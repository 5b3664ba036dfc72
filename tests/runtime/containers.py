"""Containers of a real engine, and why there are none."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.servers.engine import HOST, knock

BARE = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--user=54321:54321")
STRICT = (*BARE, "--network=none")
"""As strictly as can be; a bus on this machine needs `BARE` and `BESIDE`."""

BESIDE = "--network=host"


def reason_against() -> str | None:
    """Why there is no container to be had, in a line, or None."""
    try:
        knock()
    except OSError as error:
        return f"no Docker engine answers at {HOST} ({error.strerror or error})"
    return None


def docker(*words: str | Path) -> str:
    """Say this to the engine, which must not fail, and return its answer."""
    return subprocess.run(("docker", *words), check=True, capture_output=True, timeout=25).stdout.decode().strip()


def run(*words: str) -> subprocess.CompletedProcess[bytes]:
    """`docker run`, and nothing left of the container."""
    return subprocess.run(("docker", "run", "--rm", *words), capture_output=True, check=False, timeout=25)


@contextmanager
def running(*words: str) -> Iterator[str]:
    """The id of a container that runs in the background, removed at the end whatever became of it."""
    name = docker("run", "--detach", *words)
    try:
        yield name
    finally:
        docker("rm", "--force", name)


def told(variables: Mapping[str, str]) -> list[str]:
    """The words that set these variables."""
    return [f"--env={name}={value}" for name, value in variables.items()]
