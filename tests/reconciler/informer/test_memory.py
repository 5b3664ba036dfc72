"""How much memory what is seen takes: bounded for each pod, and next to nothing for what is settled."""

import json
import os
import subprocess
import sys
import tracemalloc
import uuid
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest
from eightbells.reconciler.informer.packing import pack_job, pack_pod
from eightbells.reconciler.informer.settled import Settled
from eightbells.reconciler.objects import Job, Pod

from tests.dispatcher.faults import Api
from tests.reconciler.informer.crowd import Crowd
from tests.test_repository import ROOT

T = TypeVar("T")

MANY = 50_000
KIB = 1024


def measure(crowd: Crowd, directory: Path) -> dict[str, int]:
    """How much memory an informer of its own process takes for a crowd."""
    with crowd.serving():
        api = Api()
        api.url = crowd.url
        kubeconfig = api.write_kubeconfig(directory / "kubeconfig", token="t0ken")
        command = (sys.executable, "-m", "tests.reconciler.informer.heavy", str(kubeconfig))
        # Coverage, which starts in every process of a measured run, would be measured, too.
        environment = {name: text for name, text in os.environ.items() if not name.startswith("COVERAGE_")}
        done = subprocess.run(
            command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=140, env=environment
        )
    told: dict[str, int] = json.loads(done.stdout)
    return told


@pytest.mark.serial
@pytest.mark.timeout(150)
def test_fifty_thousand_jobs_and_pods_fit_into_350_megabytes(tmp_path: Path) -> None:
    """The interpreter and the official client included."""
    told = measure(Crowd(MANY, MANY), tmp_path)

    assert (told["jobs"], told["pods"]) == (MANY, MANY)
    assert told["after"] <= 350 * 1000 * 1000


@pytest.mark.serial
@pytest.mark.timeout(150)
def test_a_pod_fits_into_4_kib(tmp_path: Path) -> None:
    """With its share of every index, and of what the interpreter leaves unused."""
    told = measure(Crowd(0, MANY), tmp_path)

    assert (told["jobs"], told["pods"]) == (0, MANY)
    assert (told["after"] - told["before"]) / MANY <= 4 * KIB


def test_an_object_is_kept_in_a_fraction_of_its_size() -> None:
    """Its managed fields, volumes and environment are nobody's business."""
    assert len(pack_pod(large("pods", Pod))) < len(Crowd().object("pods", 1)) / 3
    assert len(pack_job(large("jobs", Job))) < len(Crowd().object("jobs", 1)) / 3


def test_a_settled_job_takes_24_bytes() -> None:
    """From a few thousand on; a set of strings would take ten times as much."""
    uids = [str(uuid.uuid4()) for _ in range(MANY)]
    tracemalloc.start()
    settled = Settled()
    for uid in uids:
        settled.add(uid)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(settled) == MANY
    assert taken / MANY <= 24
    assert all(uid in settled for uid in uids)
    assert not any(f"{uid}x" in settled for uid in uids)


def test_what_is_settled_is_forgotten_one_by_one() -> None:
    """And nothing else with it, wherever it stands."""
    uids = [str(uuid.uuid4()) for _ in range(1000)]
    settled = Settled()
    for uid in uids:
        settled.add(uid)
        settled.add(uid)
    for uid in uids[::2]:
        settled.discard(uid)
        settled.discard(uid)

    assert len(settled) == 500
    assert not any(uid in settled for uid in uids[::2])
    assert all(uid in settled for uid in uids[1::2])
    settled.retain([*uids[1::4], "somebody else"])
    assert len(settled) == 250


def large(kind: str, of: type[T]) -> T:
    return msgspec.json.decode(Crowd().object(kind, 1), type=of)
