"""What cannot become a Job is refused before anything is registered: the field, what is wrong, the remedy."""

from typing import Any

import pytest
from eightbells.dispatcher.checks import MOST_RETRIES, check
from eightbells.dispatcher.dispatch import SecretKey
from eightbells.dispatcher.errors import Refused
from eightbells.dispatcher.limits import INPUT_BYTES, STRING_BYTES
from eightbells.dispatcher.settings import Settings

from tests.dispatcher.building import SETTINGS, dispatch, job, template

SECRET = SecretKey("s", "k")

LONG = "x" * (STRING_BYTES - 1)
"""As long as one argument may be, with its closing NUL."""

REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"id": ""}, "id", "1 to 200"),
    ({"id": "-a"}, "id", "begin with a letter"),
    ({"id": "a" * 201}, "id", "1 to 200"),
    ({"id": "größe"}, "id", "A-Z"),
    ({"rerun_of": ""}, "rerun_of", "1 to 200"),
    ({"id": "a", "rerun_of": "a"}, "rerun_of", "another"),
    ({"namespace": "Team"}, "namespace", "a-z"),
    ({"namespace": "a" * 64}, "namespace", "63"),
    ({"namespace": ""}, "namespace", "63"),
    ({"service_account": "a_b"}, "service_account", "a-z"),
    ({"image": ""}, "image", "name"),
    ({"image": "Busybox"}, "image", "lower case"),
    ({"image": "busybox:"}, "image", "tag"),
    ({"image": "busybox:1 "}, "image", "tag"),
    ({"image": "host:port/x"}, "image", "port"),
    ({"image": "x@sha256:12"}, "image", "sha256"),
    ({"image": "x@sha256:" + "a" * 63}, "image", "64 of 0-9 a-f"),
    ({"image": "x@sha256:" + "a" * 65}, "image", "64 of 0-9 a-f"),
    ({"image": "x@sha256:" + "A" * 64}, "image", "64 of 0-9 a-f"),
    ({"image": "x@sha512:" + "a" * 64}, "image", "64 of 0-9 a-f"),
    ({"image": "x@md5:" + "a" * 32}, "image", "sha256"),
    ({"image": "a" * 64}, "image", "is not an image"),
    ({"image": "a/" + "x" * 254}, "image", "255 characters"),
    ({"image": "https://host/x"}, "image", "registry"),
    ({"image": "a/" * 200 + "x"}, "image", "name"),
    ({"timeout": 0}, "timeout", "0.001"),
    ({"timeout": -1}, "timeout", "0.001"),
    ({"timeout": float("nan")}, "timeout", "not a number"),
    ({"timeout": float("inf")}, "timeout", "not a number"),
    ({"timeout": 2.0**31}, "timeout", "2147483647"),
    ({"timeout": 2.0**31 - 100}, "timeout", "start_timeout"),
    ({"timeout": 2.0**30, "retries": 1}, "timeout", "retries"),
    ({"start_timeout": 0}, "start_timeout", "1 to"),
    ({"start_timeout": 86400}, "start_timeout", "`timeout`"),
    ({"grace": -0.1}, "grace", "0 to"),
    ({"grace": 2.0**31 - 2, "timeout": None}, "timeout", "grace"),
    ({"retries": -1}, "retries", str(MOST_RETRIES)),
    ({"retries": MOST_RETRIES + 1}, "retries", str(MOST_RETRIES)),
    ({"ttl": 299}, "ttl", "300"),
    ({"ttl": 2**31}, "ttl", "300"),
    ({"env": {"1A": ""}}, "env['1A']", "digit"),
    ({"env": {"": ""}}, "env['']", "name"),
    ({"env": {"A B": ""}}, "env['A B']", "name"),
    ({"env": {"A=B": ""}}, "env['A=B']", "name"),
    ({"env": {".": ""}}, "env['.']", "name"),
    ({"env": {"..": ""}}, "env['..']", "'..'"),
    ({"secret_env": {"..a": SECRET}}, "secret_env['..a']", "'..'"),
    ({"env": {"EIGHTBELLS_RETRIES": "1"}}, "env['EIGHTBELLS_RETRIES']", "wrapper"),
    ({"secret_env": {"EIGHTBELLS_URL": SECRET}}, "secret_env['EIGHTBELLS_URL']", "wrapper"),
    ({"env": {"A": ""}, "secret_env": {"A": SECRET}}, "env['A']", "secret_env"),
    ({"secret_env": {"A": SecretKey("S", "k")}}, "secret_env['A'].secret", "a-z"),
    ({"secret_env": {"A": SecretKey("s", "k/k")}}, "secret_env['A'].key", "A-Z"),
    ({"secret_env": {"A": SecretKey("s", "..k")}}, "secret_env['A'].key", ".."),
    ({"env": {"A": "x\0"}}, "env['A']", "NUL"),
    ({"env": {"A": "\ud800"}}, "env['A']", "surrogate"),
    ({"args": ("x", "\0")}, "args[1]", "NUL"),
    ({"inputs": {"a": "\0"}}, "inputs['a']", "NUL"),
    ({"context": "\ud800"}, "context", "surrogate"),
    ({"template": {"kind": "Job", "metadata": {"labels": {"\0": ""}}}}, "template['metadata']['labels']", "NUL"),
    ({"template": {"kind": "Job", "x": 2**64}}, "template['x']", "64 bits"),
    ({"template": {"kind": "Job", "x": float("nan")}}, "template['x']", "number"),
    ({"args": (LONG + "x",)}, "args[0]", "131,072 bytes are more than the 131,071"),
    ({"args": ("$(A)" * 2,), "env": {"A": LONG[2:]}}, "args[0]", "131,071"),
    ({"env": {"A": LONG}}, "env['A']", "131,071"),
    ({"env": {"A": "ä" * 66_000}}, "env['A']", "132,002 bytes"),
    ({"env": {"A": LONG[:70_000], "B": "$(A)$(A)"}}, "env['B']", "140,002 bytes"),
    ({"args": ("$(A)",) * 40, "env": {"A": "x" * 60_000}}, "args", "started with"),
    ({"args": ("x" * 100_000,) * 11}, "args", "Job is 1,1"),
    ({"env": {f"V{number}": "" for number in range(12_000)}}, "env", "1,048,576"),
    ({"inputs": {"a": "x" * (INPUT_BYTES + 1)}}, "inputs", "32,769 bytes are more than the 32,768"),
    ({"inputs": {"a": "ä" * (INPUT_BYTES // 2), "b": "x"}}, "inputs", "32,769"),
    ({"inputs": {"a/b": ""}}, "inputs['a/b']", "A-Z"),
    ({"inputs": {"..": ""}}, "inputs['..']", ".."),
    ({"inputs": {"": ""}}, "inputs['']", "253"),
    ({"labels": {"a b": ""}}, "labels['a b']", "letter or digit"),
    ({"labels": {"A.example/": ""}}, "labels['A.example/']", "a-z"),
    ({"labels": {"a": "x" * 64}}, "labels['a']", "context"),
    ({"labels": {"a": "x:y"}}, "labels['a']", "context"),
    ({"labels": {"eightbells.io/dispatch": "x"}}, "labels['eightbells.io/dispatch']", "by us"),
    ({"labels": {"eightbells.io/mine": "x"}}, "labels['eightbells.io/mine']", "by us"),
    ({"labels": {"job-name": "x"}}, "labels['job-name']", "Kubernetes"),
    ({"labels": {"controller-uid": "x"}}, "labels['controller-uid']", "Kubernetes"),
    (
        {"labels": {"batch.kubernetes.io/job-completion-index": "1"}},
        "labels['batch.kubernetes.io/job-completion-index']",
        "Kubernetes",
    ),
    ({"resources": {"memory": "abc"}}, "resources.memory", "512Mi"),
    ({"resources": {"memory": "1.5gi"}}, "resources.memory", "512Mi"),
    ({"resources": {"memory": "512m"}}, "resources.memory", "not 512m"),
    ({"resources": {"memory": "0"}}, "resources.memory", "1 or more"),
    ({"resources": {"memory": "-1Gi"}}, "resources.memory", "quantity"),
    ({"resources": {"memory": "100Ei"}}, "resources.memory", "8Ei"),
    ({"resources": {"cpu": "0.0001"}}, "resources.cpu", "0.001"),
    ({"resources": {"memory": "1Gi", "memory_request": "2Gi"}}, "resources.memory", "above the limit"),
    ({"resources": {"cpu": "2", "cpu_limit": "1500m"}}, "resources.cpu", "above the limit"),
    ({"resources": {"extra": {"cpu": "1"}}}, "resources.extra['cpu']", "field of its own"),
    ({"resources": {"extra": {"example.com/gpu": "500m"}}}, "resources.extra['example.com/gpu']", ""),
    ({"resources": {"extra": {"example.com/gpu": "1.5"}}}, "resources.extra['example.com/gpu']", "whole number"),
    ({"resources": {"extra": {"hugepages-2Mi": "3Mi"}}}, "resources.extra['hugepages-2Mi']", "pages"),
    ({"resources": {"extra": {"hugepages-x": "2Mi"}}}, "resources.extra['hugepages-x']", "pages"),
    ({"resources": {"extra": {"gpu": "1"}}}, "resources.extra['gpu']", "example.com/gpu"),
    ({"resources": {"extra": {"requests.example.com/gpu": "1"}}}, "resources.extra['requests.example.com/gpu']", ""),
    ({"resources": {"extra": {"a b": "1"}}}, "resources.extra['a b']", "letter or digit"),
    ({"secret_files": {"etc/x": SECRET}}, "secret_files['etc/x']", "begins with /"),
    ({"secret_files": {"/etc/": SECRET}}, "secret_files['/etc/']", "path of a file"),
    ({"secret_files": {"/": SECRET}}, "secret_files['/']", "path of a file"),
    ({"secret_files": {"/a/../b": SECRET}}, "secret_files['/a/../b']", ".."),
    ({"secret_files": {"/a//b": SECRET}}, "secret_files['/a//b']", "empty part"),
    ({"secret_files": {"/a:b": SECRET}}, "secret_files['/a:b']", "':'"),
    ({"secret_files": {"/" + "a" * 256: SECRET}}, f"secret_files['/{'a' * 256}']", "255"),
    ({"secret_files": {"/" + "ä" * 128: SECRET}}, f"secret_files['/{'ä' * 128}']", "256 bytes"),
    ({"secret_files": {"/a" * 1921: SECRET}}, f"secret_files['{'/a' * 1921}']", "3,840"),
    ({"context": "x" * 4097}, "context", "4,097 bytes are more than 4,096"),
    ({"callback": "ftp://h/x"}, "callback", "http"),
    ({"callback": "https:///x"}, "callback", "http"),
    ({"callback": "https://h:x/"}, "callback", "URL"),
    ({"callback": "https://h/ x"}, "callback", "URL"),
    ({"callback": "https://[x"}, "callback", "URL"),
    ({"callback": "https://user:hunter2@h/"}, "callback", "password"),
    ({"traceparent": "00-0-0-00"}, "traceparent", "W3C"),
    ({"traceparent": "00-" + "0" * 32 + "-" + "1" * 16 + "-01"}, "traceparent", "W3C"),
    ({"tracestate": "a=1"}, "tracestate", "traceparent"),
]


@pytest.mark.parametrize(
    ("said", "field", "words"), REFUSED, ids=[f"{one[1][:40]}-{i}" for i, one in enumerate(REFUSED)]
)
def test_what_cannot_be_a_job_is_refused(said: dict[str, Any], field: str, words: str) -> None:
    """The error has the path of the field, and its message the limit or the remedy."""
    with pytest.raises(Refused) as caught:
        job(**said)
    assert caught.value.field == field
    assert words in str(caught.value)


def test_secrets_of_a_refused_callback_are_not_repeated() -> None:
    """A password that should not be there does not get into a log either."""
    with pytest.raises(Refused) as caught:
        job(callback="https://user:hunter2@host/")
    assert "hunter2" not in str(caught.value)


ACCEPTED: list[dict[str, Any]] = [
    {"id": "a" * 200},
    {"args": (LONG,)},
    {"env": {"A": LONG[2:]}},
    {"env": {"A": LONG[2:]}, "args": ("$(A)", "$$(A)" * 1000)},
    {"inputs": {"a": "x" * INPUT_BYTES}},
    {"context": "x" * 4096},
    {"resources": {"memory": "1.5Gi", "cpu": ".5", "cpu_limit": "1e3"}},
    {"resources": {"extra": {"ephemeral-storage": "1Gi", "nvidia.com/gpu": "2", "hugepages-2Mi": "4Mi"}, "cpu": "1"}},
    {"image": "[::1]:5000/a/b__c/d-e.f:V_1.2-3@sha256:" + "a" * 64},
    {"image": "localhost/x"},
    {"image": "x@sha512:" + "0123456789abcdef" * 8},
    {"image": "a/" + "x" * 253},
    {"secret_files": {"/" + "a" * 255: SECRET, "/" + "ä" * 127: SECRET, "/a" * 1920: SECRET}},
    {"env": {f"V{number}": "" for number in range(11_000)}},
    {"labels": {"x.eightbells.io/job-name": "x", "name": "x"}},
    {"labels": {"kueue.x-k8s.io/queue-name": "evals", "empty": ""}},
    {"callback": "http://hooks.example:8080/a?b=c"},
    {"retries": MOST_RETRIES, "timeout": 1},
    {"grace": 0, "timeout": 0.001, "start_timeout": 1},
    {"env": {"a.b-c_D": "", "EVAL_ID": "mine", ".a": ""}},
]


@pytest.mark.parametrize("said", ACCEPTED, ids=[f"{next(iter(one))}-{i}" for i, one in enumerate(ACCEPTED)])
def test_what_is_just_within_the_limits_is_a_job(said: dict[str, Any]) -> None:
    """The limits are not smaller than they need to be."""
    assert job(**said)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"bus_namespace": "A"}, "settings.bus_namespace"),
        ({"cluster": "a b"}, "settings.cluster"),
        ({"namespace": "a.b"}, "settings.namespace"),
        ({"bus_secret": SecretKey("", "url")}, "settings.bus_secret.secret"),
        ({"bus_ca_secret": SecretKey("s", "")}, "settings.bus_ca_secret.key"),
        ({"runtime_image": "A"}, "settings.runtime_image"),
        ({"runtime_pull_secrets": ("a", "A")}, "settings.runtime_pull_secrets[1]"),
        ({"reserve": -1.0}, "settings.reserve"),
        ({"heartbeat": float("nan")}, "settings.heartbeat"),
    ],
)
def test_settings_are_checked_too(said: dict[str, Any], field: str) -> None:
    """What the installation says wrongly is said to be the installation's."""
    with pytest.raises(Refused) as caught:
        check(dispatch(), Settings(**{"cluster": "c", **said}))
    assert caught.value.field == field


def test_digests_are_required_of_every_image() -> None:
    """An installation that refuses tags refuses those of sidecars, image volumes and its own runtime too."""
    digest = "@sha256:" + "a" * 64
    strict = Settings(cluster="c", require_digest=True, runtime_image=f"runtime{digest}")
    pinned = {"name": "model", "image": {"reference": f"model{digest}"}}
    assert job(strict, image=f"main:1{digest}", inject=True, template=template(volumes=[pinned]))
    proxy, model = {"name": "proxy", "image": "proxy:1"}, {"name": "model", "image": {"reference": "model:1"}}
    for settings, said in (
        (strict, {"image": "main:1"}),
        (strict, {"image": f"main{digest}", "template": template({"name": "main"}, initContainers=[proxy])}),
        (strict, {"image": f"main{digest}", "template": template(containers=[{"name": "main"}, proxy])}),
        (strict, {"image": f"main{digest}", "template": template(volumes=[model])}),
        (strict, {"image": f"main{digest}", "template": template(volumes=[{"name": "model", "image": {}}])}),
        (Settings(cluster="c", require_digest=True, runtime_image="runtime:1"), {"image": f"main{digest}"}),
    ):
        with pytest.raises(Refused, match="digest"):
            job(settings, **said)


def test_largest_field_is_blamed() -> None:
    """Of a Job that is too large the message names the field that makes it so, with both sizes."""
    with pytest.raises(Refused) as caught:
        job(env={f"V{number}": "x" * 100_000 for number in range(11)})
    assert caught.value.field == "env"
    assert "1,048,576" in str(caught.value)


def test_names_without_an_end_are_read_once() -> None:
    """A megabyte of opened and never closed `$(` is a Job like any other, in a moment."""
    assert job(args=("$(" * 65_000,) * 7)


def test_annotations_of_a_template_count() -> None:
    """Inputs and the template's annotations are more together than a pod may have."""
    base = {"kind": "Job", "spec": {"template": {"metadata": {"annotations": {"a": "x" * 240_000}}}}}
    assert job(template=base)
    with pytest.raises(Refused, match="annotations of the pod"):
        job(template=base, inputs={"a": "x" * INPUT_BYTES})


def test_nesting_has_an_end() -> None:
    """A template as deep as the stack is refused, and so is one deeper."""
    for depth in (100, 5000):
        deep: Any = {}
        for _ in range(depth):
            deep = {"x": deep}
        with pytest.raises(Refused):
            job(template={"kind": "Job", "spec": deep})


def test_wrong_types_are_refused_like_wrong_values() -> None:
    """A dispatch that Python let through with another type is none."""
    for said in ({"image": 5}, {"retries": "2"}, {"env": {"A": 1}}, {"template": {"kind": object()}}, {"args": "abc"}):
        with pytest.raises(Refused):
            job(**said)


def test_settings_of_the_tests_are_accepted() -> None:
    """Nothing above is refused for another reason."""
    check(dispatch(), SETTINGS)
