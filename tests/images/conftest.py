"""What the tests of the images get: every image, built once by each builder that there is.

They need root and what `make runtime` left in dist/. Without any builder they are skipped with a line; where `CI=true`
promises one, that is a failure.
"""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from tests.images.bench import Bench, make_builder
from tools.images.workshop import find_local, is_current, name_archive
from tools.runtime.target import Unbuildable

BUILDERS = ("docker", "buildah")
HERE = Path(__file__).parent


def reason_against() -> str | None:
    """Why no image can be tried here, in a line, or None."""
    archive = name_archive(find_local())
    if not is_current(archive):
        return f"there is no {archive.name} of these sources in dist/: say `make runtime`"
    words = ("unshare", "--mount", "--pid", "--fork", "true")
    tried = subprocess.run(words, capture_output=True, text=True, check=False)
    return f"no namespaces can be made here: {tried.stderr.strip()} (run as root)" if tried.returncode else None


def give_up(reason: str, *, is_promised: bool) -> NoReturn:
    """Skip the test; what was promised to be there fails it."""
    if is_promised and os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session", params=BUILDERS)
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """All images, by each builder. One of the two is enough."""
    if reason := reason_against():
        give_up(reason, is_promised=True)
    with tempfile.TemporaryDirectory(prefix="eightbells-images-") as folder:  # too large for pytest's, which it keeps
        builders = {name: make_builder(name, Path(folder)) for name in BUILDERS}
        reasons = {name: builder.reason_against() for name, builder in builders.items()}
        if reason := reasons[request.param]:
            give_up(reason, is_promised=all(reasons.values()))
        bench = Bench(builders[request.param], Path(folder))
        try:
            assert bench.built
            yield bench
        except Unbuildable as problem:
            give_up(str(problem), is_promised=True)
        finally:
            bench.close()
