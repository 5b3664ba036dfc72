"""The image of k3s: whether it can be had here, for which a Docker engine must answer and have it, or pull it."""

import os
import time
from contextlib import closing

from tests.servers.engine import HOST, knock

IMAGE = os.environ.get("EIGHTBELLS_TEST_K3S_IMAGE") or "rancher/k3s:v1.35.4-k3s1"
SECONDS_TO_PULL = 120


def reason_against() -> str | None:
    """Why it cannot be had here, in a line, or None."""
    try:
        knock()
    except OSError as error:
        return f"no Docker engine answers at {HOST} ({error.strerror or error})"
    # The library takes half a second to import.
    from docker.errors import DockerException  # type: ignore[import-untyped]

    try:
        return None if _has_image() else f"{IMAGE} takes too long to pull: say docker pull {IMAGE}"
    except DockerException as error:
        return f"{IMAGE} cannot be had ({' '.join(str(error).split())[:200]})"


def _has_image() -> bool:
    """Whether the engine has it, or could pull it in time."""
    import docker  # type: ignore[import-untyped]
    from docker.errors import ImageNotFound

    with closing(docker.from_env(timeout=10)) as engine:
        try:
            engine.images.get(IMAGE)
        except ImageNotFound:
            end = time.monotonic() + SECONDS_TO_PULL
            for _ in engine.api.pull(IMAGE, stream=True):
                if time.monotonic() > end:
                    return False
            engine.images.get(IMAGE)
    return True
