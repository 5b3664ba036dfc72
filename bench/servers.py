"""The servers that are measured on: the embedded one, and Debian's Redis where it is installed, started alike."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from eightbells.consumer import embedded
from eightbells.consumer.connection import connect_blocking
from eightbells.consumer.embedded import keeper, owner
from msgspec import Struct


class Server(Struct, frozen=True):
    """A server of ours on a unix socket; nobody else uses it."""

    name: str
    url: str

    @property
    def path(self) -> str:
        """Its socket."""
        return urlsplit(self.url).path

    def clear(self) -> None:
        """Forget all data; the scripts stay."""
        with connect_blocking(self.url) as client:
            client.flushall()


@contextmanager
def serve_embedded() -> Iterator[Server]:
    """What somebody without a server gets."""
    with embedded.serve() as server:
        yield Server(describe(server.url), server.url)


def has_redis() -> bool:
    """Whether there is a redis-server on PATH."""
    return shutil.which("redis-server") is not None


@contextmanager
def serve_redis() -> Iterator[Server]:
    """The redis-server on PATH, with the embedded one's options."""
    program = shutil.which("redis-server")
    assert program, "there is no redis-server on PATH"
    home = owner.temporary()
    with owner.own(Path(program), home, "remove", time.monotonic() + 20):
        url = f"unix://{home / keeper.SERVER}?db=0"
        yield Server(describe(url), url)


def describe(url: str) -> str:
    """Name and version of a server."""
    with connect_blocking(url) as client:
        info = client.info("server")
    return f"Valkey {info['valkey_version']}" if "valkey_version" in info else f"Redis {info['redis_version']}"


def cpu_seconds(url: str) -> float:
    """CPU time that the thread which runs the commands has taken."""
    with connect_blocking(url) as client:
        info = client.info("cpu")
    return float(info["used_cpu_user_main_thread"] + info["used_cpu_sys_main_thread"])
