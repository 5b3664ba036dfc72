"""In containers of a real engine: images of nothing but the runtime and a program, run as strictly as can be."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from tests.runtime.conftest import ARCHIVE
from tests.runtime.containers import STRICT, run

DOCS = Path(__file__).resolve().parents[2] / "docs/runtime.md"
DOCKERFILES = re.findall(r"^```dockerfile\n(.*?)^```$", DOCS.read_text(), re.MULTILINE | re.DOTALL)


def test_a_container_of_nothing_runs_its_command(image: str) -> None:
    """A random user, no capability, a read-only root, no network: output and exit code are the command's."""
    ran = run(*STRICT, image, "/busybox", "sh", "-c", "echo hello; exit 7")
    assert (ran.returncode, ran.stdout) == (7, b"hello\n")


def test_an_images_preload_reaches_its_command_alone(image: str) -> None:
    """LD_PRELOAD and PYTHONHOME of the image arrive at the command, and the container starts."""
    ran = run(*STRICT, "--env=LD_PRELOAD=/nowhere.so", "--env=PYTHONHOME=/nowhere", image, "/busybox", "env")
    assert ran.returncode == 0
    assert {b"LD_PRELOAD=/nowhere.so", b"PYTHONHOME=/nowhere"} <= set(ran.stdout.splitlines())
    assert ran.stderr.count(b"\n") == 1


def test_the_dockerfiles_of_the_docs_make_an_image_that_runs(image: str, tmp_path: Path) -> None:
    """The runtime as an image, copied into another as docs/runtime.md says, starts what that one's user asks for."""
    packed, user = DOCKERFILES
    runtime = image.replace("scratch", "runtime")
    packed = packed.replace("eightbells-runtime-amd64.tar.xz", ARCHIVE.name)
    user = user.replace("your-image", image).replace("=eightbells-runtime", f"={runtime}")
    try:
        shutil.copy(ARCHIVE, tmp_path)
        build(runtime, packed, tmp_path)
        build(f"{image}-user", user, tmp_path / "empty")
        ran = run(*STRICT, f"{image}-user", "/busybox", "sh", "-c", "echo hello; exit 7")
        assert (ran.returncode, ran.stdout) == (7, b"hello\n")
        assert run(*STRICT, runtime, "--install").returncode == 2
    finally:
        subprocess.run(("docker", "image", "rm", "--force", f"{image}-user", runtime), check=True, capture_output=True)


def build(name: str, dockerfile: str, context: Path) -> None:
    """`docker build`, by the builder that needs no plugin and no network."""
    context.mkdir(exist_ok=True)
    (context / "Dockerfile").write_text(dockerfile)
    environment = {**os.environ, "DOCKER_BUILDKIT": "0"}
    subprocess.run(("docker", "build", "--tag", name, context), check=True, capture_output=True, env=environment)
