"""Whatever the dispatch, it is a Job that a cluster could take, or it is refused; nothing else happens."""

import json
import re
from typing import Any

import msgspec
from eightbells.dispatcher.dispatch import Dispatch
from eightbells.dispatcher.errors import Refused
from eightbells.dispatcher.job import build_job
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dispatcher.building import SETTINGS

NAMES = st.sampled_from(["a", "A_B", "x-1", "eightbells.io/x", "EIGHTBELLS_URL", "main", ""]) | st.text(max_size=5)
TEXTS = st.sampled_from(["", "1", "512Mi", "$(A)", "/etc/x", "/eightbells/x", "\0", "\ud800", "é"]) | st.text(
    max_size=9
)
NUMBERS = st.integers(-2, 400) | st.floats() | st.none()
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
KEYS = st.sampled_from(
    [
        *("kind", "metadata", "spec", "template", "labels", "annotations", "containers", "initContainers", "volumes"),
        *("name", "env", "value", "command", "args", "securityContext", "capabilities", "add", "completions", "rules"),
        *("finalizers", "ownerReferences", "controller", "image", "reference", "appArmorProfile", "type"),
        *("parallelism", "resources", "limits", "memory", "volumeMounts", "mountPath", "podFailurePolicy", "os"),
    ]
)
PIECES = st.recursive(PLAIN, lambda some: st.lists(some, max_size=3) | st.dictionaries(KEYS, some, max_size=4))
KINDS = st.sampled_from(["Job", "CronJob", "PodTemplate"])
SPECS = st.fixed_dictionaries({"spec": st.fixed_dictionaries({"template": st.fixed_dictionaries({"spec": PIECES})})})
TEMPLATES = st.none() | st.builds(
    lambda kind, piece, spec: {**(piece if isinstance(piece, dict) else {}), **spec, "kind": kind}, KINDS, PIECES, SPECS
)

FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "id": st.sampled_from(["a", "A/b:c@d"]) | TEXTS,
    "image": st.sampled_from(["busybox:1", "host:5000/a/b"]) | TEXTS,
    "template": TEMPLATES,
    "namespace": st.none() | TEXTS,
    "callback": st.none() | TEXTS,
    "context": TEXTS,
    "traceparent": st.none() | TEXTS,
    "rerun_of": st.none() | TEXTS,
    "security": st.sampled_from(["standard", "restricted", "image"]),
    "on_disruption": st.sampled_from([None, "retry", "count", "fail"]),
    "result": st.sampled_from([None, "optional", "required"]),
    "resources": st.builds(dict, memory=st.none() | TEXTS, cpu=st.none() | TEXTS),
    **{name: st.lists(TEXTS, max_size=3) for name in ("command", "args")},
    **{name: st.dictionaries(NAMES, TEXTS, max_size=3) for name in ("env", "labels", "inputs")},
    **{
        name: st.dictionaries(TEXTS, st.builds(dict, secret=NAMES, key=NAMES), max_size=2)
        for name in ("secret_env", "secret_files")
    },
    **dict.fromkeys(("timeout", "start_timeout", "grace", "retries", "ttl"), NUMBERS),
    **{name: st.booleans() for name in ("inject", "stream")},
}
# A few at a time: of a dispatch that says everything at random, hardly one is a Job.
SAID = st.sets(st.sampled_from(sorted(FIELDS)), max_size=4).flatmap(
    lambda names: st.fixed_dictionaries(
        {"id": st.just("a"), "image": st.just("busybox:1"), **{name: FIELDS[name] for name in sorted(names)}}
    )
)

DNS_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")


@settings(max_examples=300, deadline=None)
@given(SAID)
def test_any_dispatch_is_a_job_or_refused(said: dict[str, Any]) -> None:
    """No dispatch leads to another error, or to a Job with an invalid name or label, or that JSON cannot say."""
    try:
        job = build_job(Dispatch(**said), SETTINGS)
    except Refused:
        return
    assert json.loads(json.dumps(job, allow_nan=False)) == job
    assert msgspec.json.decode(msgspec.json.encode(job)) == job
    assert DNS_LABEL.fullmatch(job["metadata"]["name"])
    assert DNS_LABEL.fullmatch(job["metadata"]["namespace"])
    pod = job["spec"]["template"]
    ours = {name for name in pod["metadata"]["labels"] if name.startswith("eightbells.io/")}
    for name in {*ours, *said.get("labels", {})}:
        assert LABEL_VALUE.fullmatch(pod["metadata"]["labels"][name])
    volumes = [one["name"] for one in pod["spec"].get("volumes", [])]
    mounted = [one for main in pod["spec"]["containers"] for one in main.get("volumeMounts", [])]
    assert {one["name"] for one in mounted if one["name"].startswith("eightbells-")} <= set(volumes)
