"""States in which a real server refuses to write, each made on one and undone at the end."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

import redis

from tests.servers.local import Local
from tests.waiting import wait_until

State = Callable[[Local], AbstractContextManager[None]]


@contextmanager
def configured(server: Local, *settings: tuple[str, int | str]) -> Iterator[None]:
    client = server.client()
    found = [(name, str(client.config_get(name)[name])) for name, _ in settings]
    for name, value in settings:
        client.config_set(name, value)
    try:
        yield
    finally:
        for name, value in found:
            client.config_set(name, value)


def out_of_memory(server: Local) -> AbstractContextManager[None]:
    return configured(server, ("maxmemory", 1))


def without_replicas(server: Local) -> AbstractContextManager[None]:
    return configured(server, ("min-replicas-to-write", 1))


@contextmanager
def replica(server: Local) -> Iterator[None]:
    """A replica, of a master that nobody has seen."""
    server.client().replicaof("127.0.0.1", 1)
    try:
        yield
    finally:
        server.client().replicaof("NO", "ONE")


@contextmanager
def unsaved(server: Local) -> Iterator[None]:
    """A server that cannot save: a directory is where its file should be."""
    client = server.client()
    with configured(server, ("save", "3600 1")):
        (server.directory / "dump.rdb").mkdir()
        client.bgsave()
        wait_until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err", "it could not save")
        try:
            yield
        finally:
            (server.directory / "dump.rdb").rmdir()
            client.bgsave()
            wait_until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "ok", "it could save")
    (server.directory / "dump.rdb").unlink()


@contextmanager
def busy(server: Local) -> Iterator[None]:
    """A server that runs somebody's script, which does not end."""
    client = server.client()

    def loop() -> None:
        with suppress(redis.ResponseError):  # it is killed
            server.client().eval("while true do end", 0)

    with configured(server, ("busy-reply-threshold", 10)):
        thread = threading.Thread(target=loop)
        thread.start()
        wait_until(lambda: is_refused(client, "BUSY"), "it is busy")
        try:
            yield
        finally:
            client.script_kill()
            thread.join()


@contextmanager
def loading(server: Local) -> Iterator[None]:
    """A server that reads its data, slowly."""
    with server.client().pipeline(transaction=False) as pipe:
        for number in range(80_000):
            pipe.set(f"ballast:{number}", number, ex=600)
        pipe.execute()
    server.stop()
    server._command.extend(("--key-load-delay", "100"))
    server.launch()
    client = server.client()
    wait_until(lambda: is_refused(client, "LOADING"), "it is loading")
    try:
        yield
    finally:
        client.config_set("key-load-delay", 0)
        wait_until(server._answers, "it has loaded its data")
        del server._command[-2:]


def is_refused(client: redis.Redis, code: str) -> bool:
    """Whether the server says this of itself to a harmless command."""
    try:
        client.get("anything")
    except redis.RedisError as error:
        return code.lower() in str(error).lower() or code.lower() in type(error).__name__.lower()
    return False


STATES: dict[str, State] = {
    "OOM": out_of_memory,
    "NOREPLICAS": without_replicas,
    "READONLY": replica,
    "MISCONF": unsaved,
    "BUSY": busy,
    "LOADING": loading,
}
"""By the code that the server replies with."""
