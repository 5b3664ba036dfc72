"""The manifest as a whole, and the fields of the Job."""

import json
from typing import Any

import msgspec
import pytest

from tests.dispatcher.building import SETTINGS, job, main, pod, template
from tests.dispatcher.golden import CASES, DIRECTORY, write_text


@pytest.mark.parametrize("name", CASES)
def test_job_is_as_reviewed(name: str) -> None:
    """Each dispatch becomes the Job that somebody has read; `make golden` writes what is new."""
    written = (DIRECTORY / f"{name}.yaml").read_text()
    assert msgspec.yaml.decode(write_text(name)) == msgspec.yaml.decode(written)


def test_every_reviewed_job_has_its_dispatch() -> None:
    """No file is left of a case that is gone."""
    assert {path.stem for path in DIRECTORY.glob("*.yaml")} == set(CASES)


def test_building_changes_nothing() -> None:
    """A template that several dispatches share is not written to."""
    shared = template({"name": "main", "image": "x", "env": [{"name": "A", "value": "1"}]}, volumes=[])
    before = json.dumps(shared)
    first = job(template=shared, env={"A": "2"})
    first["spec"]["template"]["spec"]["containers"][0]["env"].clear()
    assert json.dumps(shared) == before
    assert main(template=shared, env={"A": "2"})["env"]


@pytest.mark.parametrize(
    ("said", "actions"),
    [
        ({}, ["FailJob"]),
        ({"on_disruption": "count"}, ["FailJob"]),
        ({"on_disruption": "retry"}, ["Ignore"]),
        ({"retries": 2}, ["Ignore"]),
        ({"retries": 2, "on_disruption": "retry"}, ["Ignore"]),
        ({"retries": 2, "on_disruption": "count"}, ["Count"]),
        ({"retries": 2, "on_disruption": "fail"}, ["FailJob"]),
    ],
)
def test_failures_follow_the_dispatch(said: dict[str, Any], actions: list[str]) -> None:
    """A disruption is ignored, counted or the end, as said; exit codes have no rule, which a suspension would meet."""
    spec = job(**said)["spec"]
    rules = spec["podFailurePolicy"]["rules"]
    assert [rule["action"] for rule in rules] == actions
    assert [rule["onPodConditions"] for rule in rules] == [[{"type": "DisruptionTarget", "status": "True"}]]
    assert spec["backoffLimit"] == said.get("retries", 0)


@pytest.mark.parametrize(
    ("seconds", "said"), [(1200, None), (30, "30"), (1.5, "1.5"), (21600, "21600"), (100.0, "100")]
)
def test_the_reconciler_is_told_for_how_long_to_wait(seconds: float, said: str | None) -> None:
    """A start timeout of the dispatch's own is on its Job, in seconds; the default one changes nothing and is not."""
    assert job(start_timeout=seconds)["metadata"]["annotations"].get("eightbells.io/start-timeout") == said


def test_evidence_is_kept_only_where_it_is_wanted() -> None:
    """A finalizer keeps the pods, beside those of the template; the Job has none."""
    base = {"kind": "Job", "spec": {"template": {"metadata": {"finalizers": ["a.example/b"]}}}}
    keeping = msgspec.structs.replace(SETTINGS, keep_evidence=True)
    for settings, said, finalizers in (
        (SETTINGS, None, None),
        (SETTINGS, base, ["a.example/b"]),
        (keeping, None, ["eightbells.io/ending"]),
        (keeping, base, ["a.example/b", "eightbells.io/ending"]),
    ):
        built = job(settings, template=said)
        assert built["spec"]["template"]["metadata"].get("finalizers") == finalizers
        assert "finalizers" not in built["metadata"]


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("busybox", "Always"),
        ("busybox:latest", "Always"),
        ("host:5000/busybox", "Always"),
        ("host:5000/busybox:latest", "Always"),
        ("host:5000/busybox:1", "IfNotPresent"),
        ("busybox:1.36", "IfNotPresent"),
        ("busybox@sha256:" + 64 * "0", "IfNotPresent"),
        ("busybox:latest@sha256:" + 64 * "0", "IfNotPresent"),
    ],
)
def test_images_that_move_are_pulled_again(image: str, policy: str) -> None:
    """What is on the node is used only where the name always means the same image."""
    assert main(image=image)["imagePullPolicy"] == policy


def test_memory_is_requested_as_it_is_limited() -> None:
    """A memory limit is a request too, a processor request no limit, unless more is said."""
    assert main(resources={"memory": "1Gi", "cpu": "2"})["resources"] == {
        "limits": {"memory": "1Gi"},
        "requests": {"memory": "1Gi", "cpu": "2"},
    }
    assert main(resources={"memory": "1Gi", "memory_request": "64Mi", "cpu_limit": "1"})["resources"] == {
        "limits": {"memory": "1Gi", "cpu": "1"},
        "requests": {"memory": "64Mi"},
    }
    assert "resources" not in main()


def test_labels_are_on_job_and_pod() -> None:
    """What selects the one selects the other; the caller's are on both."""
    built = job(id="eval-1", labels={"team": "evals"})
    labels = built["metadata"]["labels"]
    assert labels == built["spec"]["template"]["metadata"]["labels"]
    assert labels["team"] == "evals"
    assert labels["eightbells.io/dispatch-id"] == "eval-1"


def test_id_is_a_label_only_where_it_can_be() -> None:
    """The annotation has every id; the label for people only those that are the value of a label."""
    metadata = job(id="eval:1/a@b")["metadata"]
    assert metadata["annotations"]["eightbells.io/dispatch-id"] == "eval:1/a@b"
    assert "eightbells.io/dispatch-id" not in metadata["labels"]


def test_rounding_leaves_time_for_the_last_report() -> None:
    """Kubernetes counts whole seconds: the pod's grace is never shorter than grace and reserve."""
    assert pod(grace=0.2)["terminationGracePeriodSeconds"] == 3
    assert SETTINGS.reserve == 2
