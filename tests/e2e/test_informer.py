"""The informer against a real API server, through a way on which everything goes wrong: afterwards its cache equals a
fresh list, and every object that vanished in the gap was announced exactly once.
"""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from eightbells.reconciler.informer import errors
from eightbells.reconciler.informer.connection import Connection

from tests.cluster.cluster import Cluster
from tests.e2e.informing import SECONDS, Roads, granted, looking, roads, wait_until_tried
from tests.e2e.strait import Fault, Strait, open_strait
from tests.reconciler.informer.breaking import CLOSE, ENDS, RESET, SILENCE, SLOW, Refusal
from tests.reconciler.informer.lookout import Lookout
from tests.waiting import wait_until
from tests.wrapper.certificates import openssl

PLUGIN = """
import json, pathlib, sys
status = {"token": pathlib.Path(sys.argv[1]).read_text()}
print(json.dumps({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}))
"""


@pytest.fixture
def strait(cluster: Cluster) -> Iterator[Strait]:
    """The way to the API server."""
    with open_strait(cluster) as strait:
        yield strait


@pytest.fixture
def place(cluster: Cluster, namespace: str) -> Iterator[Roads]:
    """Jobs and pods of the test's own: three Jobs, and a pod of each."""
    with roads(cluster, namespace) as place:
        for number in range(3):
            place.add_pod(f"pod-{number}", f"job-{number}", place.add_job(f"job-{number}"))
        yield place


@pytest.fixture
def kubeconfig(place: Roads, strait: Strait, tmp_path: Path) -> Iterator[Path]:
    """A kubeconfig that leads through the strait, for one who may list and watch and no more."""
    with granted(place.cluster, place.namespace, "watcher") as token:
        yield strait.write_kubeconfig(tmp_path / "kubeconfig", token)


def change_behind_its_back(place: Roads) -> set[str]:
    """One pod and one Job vanish, one changes, one comes, and one name gets another UID; return who vanished."""
    before = place.there()
    gone = {uid for uid, one in before.items() if one.name in {"pod-0", "job-1", "job-2"}}
    place.remove_pod("pod-0")
    place.change_job("job-0")
    place.remove_job("job-1")
    place.remove_job("job-2")
    place.add_job("job-2")
    place.add_job("new")
    return gone


def expect(lookout: Lookout, place: Roads, gone: set[str]) -> None:
    place.wait_until_same(lookout)
    wait_until(lambda: set(lookout.ended) == gone, "what vanished is announced", within=SECONDS)
    assert set(lookout.ended.values()) == {1}
    assert lookout.informer.is_alive


@pytest.mark.parametrize("how", ENDS)
def test_streams_that_end(strait: Strait, place: Roads, kubeconfig: Path, how: str) -> None:
    """Both at once; what happens then is seen all the same."""
    with looking(kubeconfig, place.namespace) as lookout:
        place.wait_until_same(lookout)
        for kind in ("jobs", "pods"):
            strait.cut(kind, how)
        gone = change_behind_its_back(place)
        expect(lookout, place, gone)


@pytest.mark.parametrize("fault", [SILENCE, SLOW])
def test_streams_that_never_bring_a_line(strait: Strait, place: Roads, kubeconfig: Path, fault: Fault) -> None:
    """They are open and healthy, and perhaps bytes come: they are given up, and what happened meanwhile is seen."""
    with looking(kubeconfig, place.namespace) as lookout:
        place.wait_until_same(lookout)
        for kind in ("jobs", "pods"):
            strait.fail(kind, "watch", fault, fault)
            strait.cut(kind, CLOSE)
        wait_until_tried(strait, "pods", "watch")
        gone = change_behind_its_back(place)
        expect(lookout, place, gone)


@pytest.mark.parametrize("fault", [*ENDS, *map(Refusal, (401, 403, 410, 429, 500, 503))], ids=str)
def test_watches_that_go_wrong_from_the_start(strait: Strait, place: Roads, kubeconfig: Path, fault: Fault) -> None:
    """Whatever happens in that gap comes by the next watch, or by the list before it."""
    with looking(kubeconfig, place.namespace) as lookout:
        place.wait_until_same(lookout)
        with strait.closed():
            gone = change_behind_its_back(place)
        for kind in ("jobs", "pods"):
            strait.fail(kind, "watch", fault)
        expect(lookout, place, gone)


@pytest.mark.parametrize("fault", [RESET, *map(Refusal, (401, 403, 410, 429, 500, 503))], ids=str)
def test_lists_that_go_wrong(strait: Strait, place: Roads, kubeconfig: Path, fault: Fault) -> None:
    """Only a complete one tells what is gone."""
    with looking(kubeconfig, place.namespace) as lookout:
        place.wait_until_same(lookout)
        with strait.closed():
            gone = change_behind_its_back(place)
        for kind in ("jobs", "pods"):
            strait.fail(kind, "list", fault, fault)
        lookout.informer.relist()
        expect(lookout, place, gone)


def test_a_version_from_the_future_is_found_out(
    strait: Strait, place: Roads, kubeconfig: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The API server answers it by silence: no event, no bookmark, no error, on a healthy connection."""
    with looking(kubeconfig, place.namespace) as lookout:
        place.wait_until_same(lookout)
        for feed in lookout.informer._feeds():
            monkeypatch.setattr(feed, "_version", str(1 << 50))
        gone = change_behind_its_back(place)
        for kind in ("jobs", "pods"):
            strait.cut(kind, CLOSE)
        expect(lookout, place, gone)


def test_an_exec_plugin_without_expiry_whose_token_is_revoked(strait: Strait, place: Roads, tmp_path: Path) -> None:
    """401, and its next word is asked for: the official client would keep the old one for ever."""
    token, script = tmp_path / "token", tmp_path / "plugin.py"
    script.write_text(PLUGIN)
    command = {"command": sys.executable, "args": [str(script), str(token)], "interactiveMode": "Never"}
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", **command}}
    see_a_token_revoked(strait, place, token, user, tmp_path)


def test_a_token_file_that_is_rotated(strait: Strait, place: Roads, tmp_path: Path) -> None:
    """The file is read again when it changes."""
    token = tmp_path / "token"
    see_a_token_revoked(strait, place, token, {"tokenFile": str(token)}, tmp_path)


def see_a_token_revoked(strait: Strait, place: Roads, token: Path, user: dict[str, Any], directory: Path) -> None:
    with granted(place.cluster, place.namespace, "first") as first:
        token.write_text(first)
        kubeconfig = strait.write_kubeconfig(directory / "kubeconfig", "")
        told = msgspec.yaml.decode(kubeconfig.read_bytes())
        told["users"][0]["user"] = user
        kubeconfig.write_bytes(msgspec.yaml.encode(told))
        opened = looking(kubeconfig, place.namespace)
        lookout = opened.__enter__()
        place.wait_until_same(lookout)
    try:
        with granted(place.cluster, place.namespace, "second") as second:
            for kind in ("jobs", "pods"):
                strait.cut(kind, RESET)
            wait_until_tried(strait, "jobs", "watch")
            gone = change_behind_its_back(place)
            token.write_text(second)
            expect(lookout, place, gone)
        assert all(one.authorization in {f"Bearer {first}", f"Bearer {second}"} for one in strait.asked)
    finally:
        opened.__exit__(None, None, None)


def test_a_plugin_that_fails_makes_nobody_anonymous(strait: Strait, place: Roads, tmp_path: Path) -> None:
    """It is an outage, and nothing is asked until it works."""
    token, script = tmp_path / "token", tmp_path / "plugin.py"
    script.write_text(PLUGIN)
    command = {"command": sys.executable, "args": [str(script), str(token)], "interactiveMode": "Never"}
    kubeconfig = strait.write_kubeconfig(tmp_path / "kubeconfig", "")
    told = msgspec.yaml.decode(kubeconfig.read_bytes())
    told["users"][0]["user"] = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", **command}}
    kubeconfig.write_bytes(msgspec.yaml.encode(told))

    with (
        granted(place.cluster, place.namespace, "watcher") as good,
        looking(kubeconfig, place.namespace) as lookout,
    ):
        with pytest.raises(errors.Unavailable, match="no credentials"):
            Connection.find(str(kubeconfig)).get("/api/v1/pods")
        assert not strait.asked
        token.write_text(good)
        place.wait_until_same(lookout)

    assert {one.authorization for one in strait.asked} == {f"Bearer {good}"}


def test_renewed_certificate_and_authority_files_are_read_again(cluster: Cluster, place: Roads, tmp_path: Path) -> None:
    """The pool reads both only once; here they are somebody else's at first."""
    cluster.network  # noqa: B018  # skips the test where the cluster is not ours
    pki = cluster._identities.authority.parent
    authority, certificate, key = tmp_path / "ca.crt", tmp_path / "client.crt", tmp_path / "client.key"
    sign(pki, "nobody", certificate, key)
    other = tmp_path / "other"
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x", "-keyout", other, "-out", authority)
    told = msgspec.json.decode(cluster.kubeconfig.read_bytes())
    told["clusters"][0]["cluster"] = {"server": cluster.api.configuration.host, "certificate-authority": str(authority)}
    told["users"][0]["user"] = {"client-certificate": str(certificate), "client-key": str(key)}
    (tmp_path / "kubeconfig").write_bytes(msgspec.yaml.encode(told))
    connection = Connection.find(str(tmp_path / "kubeconfig"))
    path = f"/api/v1/namespaces/{place.namespace}/pods"

    with pytest.raises(errors.Unavailable, match="is not the one of the kubeconfig"):
        connection.get(path)
    shutil.copy(pki / "ca.crt", authority)
    with pytest.raises(errors.Forbidden, match="nobody"):
        connection.get(path)
    sign(pki, "admin", certificate, key, "/O=system:masters")
    assert connection.get(path)
    connection.close()


def sign(pki: Path, name: str, certificate: Path, key: Path, group: str = "") -> None:
    """A certificate that the API server knows a user by."""
    request = certificate.with_suffix(".csr")
    kind = ("-newkey", "rsa:2048", "-nodes", "-subj", f"{group}/CN={name}")
    openssl("req", "-new", *kind, "-keyout", key, "-out", request)
    serial = certificate.with_suffix(".srl")
    signing = ("-CA", pki / "ca.crt", "-CAkey", pki / "ca.key", "-CAserial", serial, "-CAcreateserial", "-days", "9")
    openssl("x509", "-req", "-in", request, *signing, "-out", certificate)
