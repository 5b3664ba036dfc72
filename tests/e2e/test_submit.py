"""A dispatch is one Job, however often it is submitted and wherever the submit died."""

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from eightbells.cli.exits import Exit
from eightbells.dispatcher import AsyncDispatcher, Dispatch, Dispatcher, Submitted
from eightbells.dispatcher.connection import Connection
from eightbells.dispatcher.errors import Conflict, Gone, Invalid, QuotaExceeded
from eightbells.dispatcher.names import job_name
from eightbells.events.contract import keys
from kubernetes import client

from tests.cluster.images import BUSYBOX
from tests.e2e.between import Between, open_way
from tests.e2e.rights import grant
from tests.e2e.site import BUS, Site
from tests.waiting import wait_until

EIGHTBELLS = str(Path(sys.executable).with_name("eightbells"))


@pytest.fixture
def way(site: Site) -> Iterator[Between]:
    """A way to the API server on which requests can be held."""
    with open_way(site.cluster) as way:
        yield way


class Client:
    """`eightbells` as a process, which reaches the API server by some way."""

    def __init__(self, site: Site, way: Between, directory: Path) -> None:
        token = grant(site.cluster, site.namespace)
        self.kubeconfig = str(way.write_kubeconfig(directory / "kubeconfig", token))
        self.site = site

    def start(self, command: str, *words: str) -> "subprocess.Popen[str]":
        site = self.site
        common = ["--cluster", "test", "--namespace", BUS, "--job-namespace", site.namespace]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("EIGHTBELLS_")}
        told = {"EIGHTBELLS_URL": site.server.url, "EIGHTBELLS_KUBECONFIG": self.kubeconfig}
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen([EIGHTBELLS, command, *common, *words], env={**kept, **told}, **pipes)

    def open(self, seconds: float) -> Dispatcher:
        """A dispatcher that gives an answer so many seconds."""
        api = Connection.find(self.kubeconfig, seconds=seconds)
        return Dispatcher(self.site.settings, self.site.server.url, api)


@pytest.fixture
def through(site: Site, way: Between, tmp_path: Path) -> Client:
    """A client whose requests can be held."""
    return Client(site, way, tmp_path)


def uids(site: Site, dispatch: str) -> list[str]:
    """The UIDs of the dispatch's Jobs."""
    found = site.cluster.batch.list_namespaced_job(site.namespace).items
    name = job_name(BUS, dispatch)
    return [str(job.metadata.uid) for job in found if job.metadata and job.metadata.name == name]


def recorded_uid(site: Site, dispatch: str) -> str:
    """The Job's UID as the bus has it."""
    found: Any = site.server.client().hget(keys.record(BUS, dispatch), "uid")
    return str(found or b"", "ascii")


def test_submitting_twice_is_one_job_and_one_run(site: Site) -> None:
    """The second submit is given the Job of the first."""
    dispatch = site.dispatch("true", id="twice")
    first, second = site.dispatcher.submit(dispatch), site.dispatcher.submit(dispatch)
    assert (first.status, second.status) == ("created", "existing")
    assert [first.job_uid] == [second.job_uid] == uids(site, "twice") == [recorded_uid(site, "twice")]
    assert site.ending("twice").attempt == 1


def test_other_content_under_the_same_id_is_a_conflict(site: Site) -> None:
    """Though the API server has put defaults into the Job, what was submitted is told from what is wanted now."""
    site.dispatcher.submit(site.dispatch("true", id="same"))
    with pytest.raises(Conflict, match="other content"):
        site.dispatcher.submit(site.dispatch("false", id="same"))
    assert site.ending("same").code == "exited_zero"


def test_an_id_that_has_ended_is_not_started_again(site: Site) -> None:
    """Not even when its Job is long gone; a rerun is another dispatch."""
    dispatch = site.dispatch("sh", "-c", "exit 3", id="ended")
    site.dispatcher.submit(dispatch)
    site.ending("ended")
    site.cluster.batch.delete_namespaced_job(job_name(BUS, "ended"), site.namespace, propagation_policy="Background")
    wait_until(lambda: not uids(site, "ended"), "the Job is gone")
    again = site.dispatcher.submit(dispatch)
    assert again.status == "ended"
    assert again.verdict
    assert again.verdict.exit_code == 3
    assert uids(site, "ended") == []
    rerun = site.submit("true", rerun_of="ended")
    assert site.ending(rerun).code == "exited_zero"
    assert site.get(rerun).rerun_of == "ended"


def test_a_foreign_job_of_the_name_is_named_and_left_alone(site: Site) -> None:
    """Somebody else's Job is not ours because it has the name."""
    create_foreign(site, "taken")
    with pytest.raises(Conflict, match=f"Job {site.namespace}/{job_name(BUS, 'taken')} .* not ours"):
        site.dispatcher.submit(site.dispatch("true", id="taken"))
    assert len(uids(site, "taken")) == 1


def test_a_job_that_is_being_deleted_is_waited_for(site: Site) -> None:
    """What had the name goes when it can; then ours is created."""
    create_foreign(site, "waits", finalizers=["eightbells.test/hold"])
    name = job_name(BUS, "waits")
    site.cluster.batch.delete_namespaced_job(name, site.namespace, propagation_policy="Background")
    found: list[Submitted] = []
    dispatch = site.dispatch("true", id="waits")
    submitting = threading.Thread(target=lambda: found.append(site.dispatcher.submit(dispatch)))
    submitting.start()
    wait_until(lambda: site.server.client().exists(keys.record(BUS, "waits")), "it is registered")
    site.cluster.batch.patch_namespaced_job(name, site.namespace, {"metadata": {"finalizers": None}})
    submitting.join()
    assert [one.status for one in found] == ["created"]
    assert site.ending("waits").code == "exited_zero"


def create_foreign(site: Site, dispatch: str, **metadata: Any) -> None:
    """A Job that somebody else has made, suspended, with the name that a dispatch needs."""
    container = client.V1Container(name="main", image=BUSYBOX, command=["true"])
    pod = client.V1PodSpec(containers=[container], restart_policy="Never")
    spec = client.V1JobSpec(template=client.V1PodTemplateSpec(spec=pod), suspend=True)
    named = client.V1ObjectMeta(name=job_name(BUS, dispatch), **metadata)
    site.cluster.batch.create_namespaced_job(site.namespace, client.V1Job(metadata=named, spec=spec))


def test_who_dies_between_register_and_create_is_repaired_by_the_next_submit(
    site: Site, way: Between, through: Client
) -> None:
    """SIGKILL while the POST is on its way, which never arrives."""
    held = way.hold_next("POST", before=True)
    words = ("--image", site.images.debian, "--id", "crash", "--", "true")
    with through.start("submit", *words) as submitting:
        held.wait_until_arrived()
        submitting.kill()
    assert site.get("crash").state == "registered"
    assert uids(site, "crash") == []
    with through.start("submit", *words) as again:
        said, _ = again.communicate(timeout=60)
    assert (again.returncode, "created" in said) == (Exit.OK, True)
    assert site.ending("crash").code == "exited_zero"
    held.pass_on()
    wait_until(held.over.is_set, "the POST of the dead arrives after all")
    assert len(uids(site, "crash")) == 1


def test_who_dies_between_create_and_answer_is_repaired_by_the_next_submit(
    site: Site, way: Between, through: Client
) -> None:
    """SIGKILL while the answer is on its way: the Job is there, and found."""
    held = way.hold_next("POST", before=False)
    words = ("--image", site.images.debian, "--id", "crash", "--", "true")
    with through.start("submit", *words) as submitting:
        held.wait_until_arrived()
        submitting.kill()
    assert len(uids(site, "crash")) == 1
    with through.start("submit", *words) as again:
        said, _ = again.communicate(timeout=60)
    assert again.returncode == Exit.OK
    assert "existing" in said or "was there already" in said or "has ended" in said
    assert site.ending("crash").attempt == 1
    assert recorded_uid(site, "crash") == uids(site, "crash")[0]


def test_a_post_that_hangs_is_given_up_and_repaired(site: Site, way: Between, through: Client) -> None:
    """The same submit looks whether it was done and sends another; the first, when it comes true, changes nothing."""
    held = way.hold_next("POST", before=True)
    with through.open(seconds=2) as dispatcher:
        submitted = dispatcher.submit(site.dispatch("true", id="hangs"))
    assert submitted.status == "created"
    assert way.asked == ["POST", "GET", "POST"]
    held.pass_on()
    wait_until(held.over.is_set, "the first POST arrives")
    assert uids(site, "hangs") == [submitted.job_uid]
    assert site.ending("hangs").attempt == 1


def test_a_post_whose_answer_hangs_is_found_by_a_get(site: Site, way: Between, through: Client) -> None:
    """It had been done: there is no second."""
    way.hold_next("POST", before=False)
    with through.open(seconds=2) as dispatcher:
        submitted = dispatcher.submit(site.dispatch("true", id="lost"))
    assert way.asked == ["POST", "GET"]
    assert uids(site, "lost") == [submitted.job_uid] == [recorded_uid(site, "lost")]


def test_a_dispatch_whose_job_was_deleted_by_others_is_not_started_twice(site: Site) -> None:
    """It has not ended, and that it runs again is for its caller to decide."""
    dispatch = site.dispatch("sleep", "1000", id="vanished", grace=1)
    site.dispatcher.submit(dispatch)
    site.wait_for("vanished", "running")
    site.cluster.batch.delete_namespaced_job(job_name(BUS, "vanished"), site.namespace, propagation_policy="Foreground")
    wait_until(lambda: not uids(site, "vanished"), "the Job is gone", within=60)
    with pytest.raises(Gone, match="not started twice"):
        site.dispatcher.submit(dispatch)


def test_what_the_api_refuses_is_an_error_with_its_own_words(site: Site) -> None:
    """A quota that is used up, a namespace that is not there, a value that is none."""
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}}
    site.cluster.create({**quota, "spec": {"hard": {"count/jobs.batch": "0"}}}, site.namespace)
    wait_until(lambda: used(site, "q"), "the quota is counted")
    with pytest.raises(QuotaExceeded, match="exceeded quota: q"):
        site.dispatcher.submit(site.dispatch("true"))
    with pytest.raises(Invalid, match='namespaces "nowhere" not found'):
        site.dispatcher.submit(site.dispatch("true", namespace="nowhere"))
    spec = {"tolerations": [{"key": "a", "operator": "Nearly"}]}
    with pytest.raises(Invalid, match=r'tolerations\[0\].operator: Unsupported value: "Nearly"'):
        site.dispatcher.submit(site.dispatch("true", template={"kind": "Job", "spec": {"template": {"spec": spec}}}))


def used(site: Site, quota: str) -> bool:
    status = site.cluster.core.read_namespaced_resource_quota(quota, site.namespace).status
    return bool(status and status.used)


def test_waiting_shows_live_output_and_exits_as_the_command(site: Site, through: Client) -> None:
    """`submit --wait` from a shell: stdout and exit code are the command's."""
    words = ("--image", site.images.debian, "--stream", "--wait", "--", "sh", "-c", "echo live; exit 7")
    with through.start("submit", *words) as waiting:
        stdout, stderr = waiting.communicate(timeout=120)
    assert (waiting.returncode, stdout) == (7, "live\n"), stderr
    assert "failed: exit_nonzero, exit code 7" in stderr


async def test_thousands_share_the_connections(site: Site, way: Between, through: Client) -> None:
    """Two thousand submits at once, each with its Job and its record, over sixteen connections to either server."""
    wanted = [suspended(site, number) for number in range(2000)]
    server: Any = site.server.client()
    before = int(server.info("stats")["total_connections_received"])
    api = Connection.find(through.kubeconfig, connections=16)
    async with AsyncDispatcher(site.settings, site.server.url, api, concurrency=16) as dispatcher:
        one_by_one = asyncio.gather(*map(dispatcher.submit, wanted[:1000]))
        in_bulk = [one.submitted async for one in dispatcher.submit_many(wanted[1000:])]
        submitted = [*await one_by_one, *in_bulk]
    opened = int(server.info("stats")["total_connections_received"]) - before

    assert {one.status for one in submitted if one} == {"created"}
    assert sorted(one.id for one in submitted if one) == sorted(one.id for one in wanted)
    recorded = {one.id: str(server.hget(keys.record(BUS, one.id), "uid"), "ascii") for one in wanted}
    assert {one.id: one.job_uid for one in submitted if one} == recorded
    assert uids_of_all(site) == {one.job_uid for one in submitted if one}
    assert (way.asked.count("POST"), way.connections <= 16, opened <= 16) == (2000, True, True)


def uids_of_all(site: Site) -> set[str]:
    """The UIDs of all Jobs of the namespace."""
    listed: Any = site.cluster.batch.list_namespaced_job(site.namespace, _preload_content=False)
    return {job["metadata"]["uid"] for job in json.loads(listed.data)["items"]}


def suspended(site: Site, number: int) -> Dispatch:
    """A dispatch whose pods nobody has to start."""
    template = {"apiVersion": "batch/v1", "kind": "Job", "spec": {"suspend": True}}
    return site.dispatch("true", id=f"many/{number}", template=template)
