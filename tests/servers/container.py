"""A server in a container: the newest there is, where a Docker engine answers and the image can be had."""

import os
import shlex
import time
from contextlib import closing

import docker  # type: ignore[import-untyped]
import redis
from docker.errors import DockerException, ImageNotFound  # type: ignore[import-untyped]
from testcontainers.core.container import DockerContainer

from tests.servers.engine import HOST, knock
from tests.servers.local import DURABLE, free_port
from tests.servers.server import Server
from tests.waiting import wait_until

IMAGE = os.environ.get("EIGHTBELLS_TEST_REDIS_IMAGE") or "valkey/valkey:latest"
SECONDS_TO_PULL = 20


class Container(Server):
    """One container, its port bound to one of ours, so that a restart does not change the URL."""

    def __init__(self, kind: str) -> None:
        self.port = free_port()
        super().__init__(kind, f"redis://127.0.0.1:{self.port}/0")
        # The images of Redis and Valkey put their server before a command that begins with a dash.
        self._container = (
            DockerContainer(IMAGE)
            .with_bind_ports(6379, self.port)
            .with_command(f"--protected-mode no --maxmemory-policy noeviction {shlex.join(DURABLE)}")
        )
        self._is_made = False

    def start(self) -> None:
        if self._is_made:
            self._container.get_wrapped_container().start()
        else:
            self._container.start()
            self._is_made = True
        wait_until(self._answers, f"a container of {IMAGE} answers on port {self.port}")

    def is_running(self) -> bool:
        if not self._is_made:
            return False
        container = self._container.get_wrapped_container()
        container.reload()
        return bool(container.status == "running")

    def kill(self) -> None:
        if self.is_running():
            self._container.get_wrapped_container().kill()
            self._container.get_wrapped_container().wait(timeout=10)

    def stop(self) -> None:
        if self.is_running():
            self._container.get_wrapped_container().stop(timeout=10)

    def remove(self) -> None:
        self.close_clients()
        self._container.stop()

    def _answers(self) -> bool:
        try:
            return bool(self.client().ping())
        except redis.ConnectionError:
            return False


def reason_against() -> str | None:
    """Why no container of the image can be had here, in a line, or None."""
    try:
        knock()
        with closing(docker.from_env(timeout=10)) as engine:
            return None if has_image(engine) else f"image {IMAGE} takes too long to pull: say docker pull {IMAGE}"
    except DockerException as error:
        return f"image {IMAGE} cannot be had ({' '.join(str(error).split())[:200]})"
    except OSError as error:
        return f"no Docker engine answers at {HOST} ({error.strerror or error})"


def has_image(engine: docker.DockerClient) -> bool:
    """Whether the engine has the image, or could pull it within a test's time."""
    try:
        engine.images.get(IMAGE)
    except ImageNotFound:
        end = time.monotonic() + SECONDS_TO_PULL
        for _ in engine.api.pull(IMAGE, stream=True):
            if time.monotonic() > end:
                return False
        engine.images.get(IMAGE)
    return True
