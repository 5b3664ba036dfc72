"""Images that a kept cluster has from an earlier run, so that drills begin at once."""

import os

from tests.e2e.images import Images

VERSION = "EIGHTBELLS_TEST_IMAGES"
"""The version in the tags of `make images`, for example 0.1.0-5f6489d1c0de."""

NAMES = ("runtime", "executor-python", "executor-debian", "executor-any")


def given_images() -> Images | None:
    """Those of the version that was said; None where none was."""
    tag = os.environ.get(VERSION)
    return Images(*(f"docker.io/library/eightbells-{name}:{tag}" for name in NAMES)) if tag else None
