"""A null in a template says nothing, wherever it stands: some tools write one for each field that is not said."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from eightbells.dispatcher.errors import Refused

from tests.dispatcher.building import job

FULL: dict[str, Any] = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {
        "namespace": "batch",
        "labels": {"a": "b"},
        "annotations": {"a": "b"},
        "finalizers": ["a.example/b"],
        "ownerReferences": [{"kind": "ConfigMap", "controller": False}],
    },
    "spec": {
        "completions": 2,
        "parallelism": 1,
        "completionMode": "Indexed",
        "manualSelector": False,
        "podFailurePolicy": {"rules": [{"action": "Count", "onExitCodes": {"operator": "In", "values": [7]}}]},
        "template": {
            "metadata": {"labels": {"c": "d"}, "annotations": {"c": "d"}, "finalizers": ["a.example/b"]},
            "spec": {
                "os": {"name": "linux"},
                "automountServiceAccountToken": True,
                "enableServiceLinks": True,
                "serviceAccountName": "a",
                "imagePullSecrets": [{"name": "a"}],
                "securityContext": {"runAsUser": 7, "seccompProfile": {"type": "Localhost"}},
                "initContainers": [{"name": "first", "image": "x"}],
                "containers": [
                    {
                        "name": "main",
                        "image": "x",
                        "imagePullPolicy": "Never",
                        "command": ["a"],
                        "args": ["b"],
                        "env": [{"name": "A", "value": "1"}, {"name": "B", "valueFrom": {"fieldRef": {}}}],
                        "resources": {"limits": {"cpu": "2"}, "requests": {"cpu": "1"}},
                        "securityContext": {
                            "runAsUser": 7,
                            "capabilities": {"add": ["CHOWN"], "drop": ["ALL"]},
                            "appArmorProfile": {"type": "Localhost"},
                        },
                        "terminationMessagePath": "/end",
                        "terminationMessagePolicy": "File",
                        "volumeMounts": [{"name": "v", "mountPath": "/v"}],
                    },
                    {"name": "other", "image": "y"},
                ],
                "volumes": [{"name": "v", "image": {"reference": "x"}}],
            },
        },
    },
}
"""A manifest that says all that we read."""


def list_paths(value: Any) -> Iterator[tuple[str | int, ...]]:
    """The way to every field in it."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in pairs:
        yield from ((key, *rest) for rest in list_paths(one))
        if isinstance(key, str):
            yield (key,)


def change(manifest: dict[str, Any], path: tuple[str | int, ...], *value: Any) -> dict[str, Any]:
    """The manifest with another value at the path, or with none."""
    changed = deepcopy(manifest)
    at: Any = changed
    for key in path[:-1]:
        at = at[key]
    at.pop(path[-1])
    at |= zip(path[-1:], value, strict=False)
    return changed


def outcome(base: dict[str, Any]) -> Any:
    """The spec of its Job and the metadata but for the fingerprint of its words, or the field that is refused."""
    try:
        built = job(template=base, namespace="batch", command=(), retries=1, inject=True)
    except Refused as problem:
        return problem.field
    built["metadata"]["annotations"].pop("eightbells.io/spec")
    return built


def test_nulls_say_nothing() -> None:
    """A field that we read and that is null is as if it were not there."""
    for path in list_paths(FULL):
        assert outcome(change(FULL, path, None)) == outcome(change(FULL, path)), path


def test_the_manifest_is_one() -> None:
    """What is compared above are Jobs, and not refusals alone."""
    assert "spec" in outcome(FULL)
