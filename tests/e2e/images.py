"""The images of `images/` on every node of the cluster: built once a run, whichever test asks first."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.cluster import Cluster
from tests.cluster.locks import locked
from tools.images.workshop import find_local

ROOT = Path(__file__).resolve().parents[2]
EXECUTORS = ("executor-python", "executor-debian", "executor-any")
SECONDS_TO_BUILD = 900
STDERR = 2
"""Where builders say what they do: a program that prints results has built images, too."""


@dataclass(frozen=True)
class Images:
    """The references of what was built, as a pod names them."""

    runtime: str
    python: str
    debian: str
    any: str


def provide_images(cluster: Cluster, folder: Path) -> Images:
    """Build the images, unless another worker of the run has, and load them into the cluster."""
    listed, begun = folder / "images.json", folder / "images.begun"
    with locked(folder):
        if not listed.exists():
            assert not begun.exists(), (
                "the images could not be built: another worker of this run has tried, and says why"
            )
            begun.touch()
            build_images(folder)
            for image in json.loads(listed.read_text()):
                cluster.load_image(Path(image["tar"]))
                Path(image["tar"]).unlink()
        references = {image["name"]: image["reference"] for image in json.loads(listed.read_text())}
    return Images(*(references[name] for name in ("runtime", *EXECUTORS)))


def build_images(folder: Path) -> None:
    """On bases made here: what a public tag holds today is not what is tested. By name, because of all there are the
    runtime is also built for other machines than the nodes.
    """
    archs = f"ARCHS={find_local().debian}"
    subprocess.run(("make", "runtime", archs), cwd=ROOT, stdout=STDERR, check=True, timeout=SECONDS_TO_BUILD)
    words = (sys.executable, "-m", "tools.images", *EXECUTORS, "--base", "local", "--save", str(folder))
    environment = {**os.environ, "TMPDIR": str(folder)}
    subprocess.run(words, cwd=ROOT, env=environment, stdout=STDERR, check=True, timeout=SECONDS_TO_BUILD)
