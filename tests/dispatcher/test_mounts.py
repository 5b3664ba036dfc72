"""Secrets, inputs and the result as files of main."""

from typing import Any

import pytest
from eightbells.dispatcher.dispatch import SecretKey
from eightbells.dispatcher.errors import Refused
from eightbells.dispatcher.settings import Settings

from tests.dispatcher.building import job, main, pod, template, variables


def mounts(**said: Any) -> dict[str, Any]:
    return {one["mountPath"]: one for one in main(**said).get("volumeMounts", [])}


def volumes(**said: Any) -> dict[str, Any]:
    return {one["name"]: one for one in pod(**said).get("volumes", [])}


def test_secret_files_lie_beside_the_images_own() -> None:
    """Each is mounted alone and read-only; several of one Secret are one volume."""
    files = {
        "/etc/app/cert": SecretKey("tls", "tls.crt"),
        "/etc/app/key": SecretKey("tls", "tls.key"),
        "/etc/app/again": SecretKey("tls", "tls.key"),
        "/root/.netrc": SecretKey("git", "netrc"),
    }
    found, held = mounts(secret_files=files), volumes(secret_files=files)
    assert {path: one["subPath"] for path, one in found.items()} == {path: key.key for path, key in files.items()}
    assert all(one["readOnly"] for one in found.values())
    assert len(held) == 2
    secret = held[found["/etc/app/cert"]["name"]]["secret"]
    assert secret["secretName"] == "tls"
    assert [item["key"] for item in secret["items"]] == ["tls.crt", "tls.key"]


@pytest.mark.parametrize(
    ("files", "mounted", "field"),
    [
        (("/a/b", "/a/b/c"), "/x", "secret_files['/a/b/c']"),
        (("/data",), "/data", "secret_files['/data']"),
        (("/data",), "/data/", "secret_files['/data']"),
        (("/data",), "//x/..//data", "secret_files['/data']"),
        (("/data",), "data", "secret_files['/data']"),
        ((), "/" + "a" * 256, "template.spec.template.spec.containers[0].volumeMounts[0].mountPath"),
        (("/data",), "/data/below", "secret_files['/data']"),
        (("/dev/termination-log",), "/x", "secret_files['/dev/termination-log']"),
        (("/eightbells/x",), "/x", "secret_files['/eightbells/x']"),
        (("/eightbells-inputs/x",), "/x", "secret_files['/eightbells-inputs/x']"),
        ((), "/eightbells", "template"),
        ((), "/eightbells-inputs/deep", "template"),
    ],
)
def test_two_things_in_one_place_are_refused(files: tuple[str, ...], mounted: str, field: str) -> None:
    """What would hide, or could not be mounted, is named."""
    base = template({"name": "main", "volumeMounts": [{"name": "v", "mountPath": mounted}]}, volumes=[{"name": "v"}])
    with pytest.raises(Refused) as caught:
        job(secret_files={path: SecretKey("s", "k") for path in files}, template=base, inject=True, inputs={"a": ""})
    assert caught.value.field == field


def test_secret_file_may_lie_in_a_volume_of_the_template() -> None:
    """A file below what the template mounts hides nothing."""
    base = template({"name": "main", "volumeMounts": [{"name": "v", "mountPath": "/data"}]}, volumes=[{"name": "v"}])
    assert list(mounts(template=base, secret_files={"/data/key": SecretKey("s", "k")})) == ["/data", "/data/key"]


def test_inputs_are_annotations_and_files() -> None:
    """Any text by any file name, in a directory that is read-only."""
    inputs = {"b.txt": "two\n", ".hidden": "größer", "A-very_long.name" * 10: ""}
    built = job(inputs=inputs)["spec"]["template"]
    held = {one["name"]: one for one in built["spec"]["volumes"]}
    mount = built["spec"]["containers"][0]["volumeMounts"][0]
    found = {}
    for item in held[mount["name"]]["downwardAPI"]["items"]:
        key = item["fieldRef"]["fieldPath"].removeprefix("metadata.annotations['").removesuffix("']")
        found[item["path"]] = built["metadata"]["annotations"][key]
    assert found == inputs
    assert (mount["mountPath"], mount["readOnly"]) == ("/eightbells-inputs", True)


@pytest.mark.parametrize(("result", "required"), [("optional", "0"), ("required", "1")])
def test_result_has_a_place(result: str, required: str) -> None:
    """The command may write there, whatever its user and however read-only its root."""
    found = variables(result=result)
    path, _, _ = found["EIGHTBELLS_RESULT"].rpartition("/")
    mount = mounts(result=result)[path]
    assert "readOnly" not in mount
    assert "emptyDir" in volumes(result=result)[mount["name"]]
    assert found["EIGHTBELLS_RESULT_REQUIRED"] == required


def test_no_result_is_asked_for_unless_said() -> None:
    """A dispatch without a result has no volume for one."""
    assert "EIGHTBELLS_RESULT" not in variables()
    assert not mounts()


def test_authorities_of_the_bus_are_a_file() -> None:
    """The wrapper knows the bus by certificates from a Secret."""
    settings = Settings(cluster="c", bus_ca_secret=SecretKey("bus", "ca.crt"))
    path = variables(settings)["EIGHTBELLS_TLS_CA"]
    mount = mounts(settings=settings)[path.rpartition("/")[0]]
    items = volumes(settings=settings)[mount["name"]]["secret"]["items"]
    assert items == [{"key": "ca.crt", "path": path.rpartition("/")[2]}]
