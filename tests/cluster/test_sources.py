"""Where a cluster comes from, and what is said where there is none."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster.binaries import MODULES, PROGRAMS, built_directory
from tests.cluster.sources import PACKAGES
from tests.cluster.suite import ROOT, run_suite

ASKING = "def test_it(cluster): assert cluster.nodes\ndef test_other(cluster): pass\ndef test_none(): pass\n"
SECONDS = 25
FIND = "from tests.cluster.binaries import find_binaries; print(find_binaries())"
TAKE = "from tests.cluster.binaries import take_binaries; take_binaries()"


@pytest.fixture
def nowhere(tmp_path: Path) -> dict[str, str]:
    """An environment without a built cluster, a Docker engine, or a way to anything outside."""
    outside = {"GOPROXY": "off", "GOFLAGS": "-mod=mod", "UV_OFFLINE": "1", "UV_CACHE_DIR": f"{tmp_path}/uv"}
    cache = {"XDG_CACHE_HOME": f"{tmp_path}/cache", "GOMODCACHE": f"{tmp_path}/modules", "GOCACHE": f"{tmp_path}/go"}
    return {**cache, **outside, "DOCKER_HOST": f"unix://{tmp_path}/none"}


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_a_cluster_its_tests_are_skipped_with_a_line(tmp_path: Path, nowhere: dict[str, str]) -> None:
    """A reader's machine runs the others, and says once what is missing and what to do."""
    outcome = run_suite(tmp_path, ASKING, SECONDS, **nowhere)
    assert outcome.code == 0
    assert "1 passed, 2 skipped" in outcome.said
    assert outcome.said.count("no cluster: ") == 1
    assert "or set EIGHTBELLS_TEST_KUBECONFIG" in outcome.said


def test_without_a_cluster_ci_fails(tmp_path: Path, nowhere: dict[str, str]) -> None:
    """Where a cluster is promised, no test that needs one is passed over in silence."""
    outcome = run_suite(tmp_path, ASKING, SECONDS, **nowhere, CI="true")
    assert outcome.code == 1
    assert "1 passed, 2 errors" in outcome.said


@pytest.mark.parametrize("file", ["etcd/go.mod", "etcd/go.sum", "kubernetes/go.mod", "kubernetes/go.sum"])
def test_built_binaries_are_kept_for_just_these_sources(tmp_path: Path, file: str) -> None:
    """Outside the checkout, under a name that is another when any version or hash in the modules is."""
    modules = shutil.copytree(MODULES, tmp_path / "modules")
    kept = built_directory(modules)
    assert kept == built_directory()
    assert not kept.is_relative_to(ROOT)
    with (modules / file).open("a") as changed:
        changed.write("\n")
    assert built_directory(modules) != kept


def test_given_binaries_are_taken_when_they_are_complete(tmp_path: Path, nowhere: dict[str, str]) -> None:
    """KUBEBUILDER_ASSETS counts when all five programs are there, and not when one is missing."""
    assets = tmp_path / "assets"
    assets.mkdir()
    for program in PROGRAMS:
        assert run_python(FIND, **nowhere, KUBEBUILDER_ASSETS=str(assets)).stdout == "None\n"
        (assets / program).touch(0o755)
    assert run_python(FIND, **nowhere, KUBEBUILDER_ASSETS=str(assets)).stdout == f"{assets}\n"


HAS_GO = pytest.mark.skipif(not shutil.which("go"), reason="no go on PATH: that the sources are missing comes later")


@pytest.mark.parametrize(
    ("path", "missing"),
    [("/nowhere", "no go of version"), pytest.param(os.environ["PATH"], "Go sources", marks=HAS_GO)],
)
def test_where_nothing_can_be_built_the_message_names_the_ways_out(
    path: str, missing: str, nowhere: dict[str, str]
) -> None:
    """Without a toolchain, or without the sources: what is missing, and each thing that would help."""
    ran = run_python(TAKE, **nowhere, PATH=path)
    said = ran.stderr.splitlines()[-1]
    assert said.startswith("tests.cluster.binaries.BinariesMissing: ")
    for word in (missing, "KUBEBUILDER_ASSETS", "EIGHTBELLS_TEST_KUBECONFIG"):
        assert word in said


def run_packages(*words: str, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """From its stdin, so that whoever may not read the checkout can run it."""
    command = [*before, "bash", "-s", "--", *words]
    return subprocess.run(command, input=PACKAGES.read_text(), capture_output=True, text=True, check=False)


def test_packages_that_are_missing_are_listed() -> None:
    """A program that is there needs nothing; of two that would do, one is enough."""
    listed = run_packages("--missing", "sh=dash", "no-such-program=no-such-package", "no-such|sh=neither").stdout
    assert "no-such-package" in listed.split()
    assert not {"dash", "neither"} & {*listed.split()}


@pytest.mark.parametrize("nodes", ["0", "15"])
def test_a_number_of_nodes_that_cannot_be_is_refused(nodes: str) -> None:
    """Before anything is installed or built, with the numbers that can."""
    words = [sys.executable, "-m", "tests.cluster", "up", "--name", "none", "--nodes", nodes]
    ran = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert ran.stderr.endswith(f"a cluster here has 1 to 14 nodes, not {nodes}\n")


def test_who_may_not_install_is_told_what_to_say() -> None:
    """Without root nothing is installed, and one line has the command."""
    as_nobody = ("setpriv", "--reuid=65534", "--clear-groups") if os.geteuid() == 0 else ()
    ran = run_packages("no-such-program=no-such-package", before=as_nobody)
    assert ran.returncode == 1
    assert "say apt-get install --no-install-recommends" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
