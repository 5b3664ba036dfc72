"""`eightbells explain` of a cluster that refuses, forgets, or is not there: what it says, and with what it exits.

A cluster that answers is in tests/e2e/test_explain.py.
"""

import json
import re
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner, Result
from eightbells.cli.exits import Exit
from eightbells.reconciler.commands.explain import explain
from eightbells.reconciler.commands.target import namespace_of

from tests.dispatcher.faults import MISSING, RESET, Api, Reply, Step, refusal
from tests.reconciler.shelf import BASE, JOBS, Shelf

NOW = "2026-11-25T17:40:00Z"


@pytest.fixture
def api() -> Iterator[Api]:
    with Api().serving() as api:
        yield api


@pytest.fixture
def ask(api: Api, tmp_path: Path) -> Callable[..., Result]:
    """Run the command against the server, which does so."""
    kubeconfig = api.write_kubeconfig(tmp_path / "kubeconfig", token="t0ken")

    def run(step: Step, *words: str) -> Result:
        api.tell("GET", step)
        return CliRunner().invoke(explain, ["--kubeconfig", str(kubeconfig), "--now", NOW, *words])

    return run


def account(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    (said,) = json.loads(result.stdout)
    assert isinstance(said, dict)
    return said


def asked_for(api: Api) -> list[str]:
    return [urlsplit(one.path).path for one in api.asked]


def test_one_job_takes_four_requests(api: Api, ask: Callable[..., Result]) -> None:
    """The Job, its pods by its own labels, its namespace and the Events are read once each, pods after their Job."""
    shelf = Shelf("recorded/oom")
    shelf.objects[0]["spec"]["selector"] = {"matchLabels": {"own": "label", "other": "one"}}
    said = account(ask(shelf, "job/oom", "-n", "batch", "-o", "json"))

    assert (said["decision"], said["code"], said["missing"]) == ("ended", "oom_killed", [])
    assert asked_for(api) == [f"{JOBS}/oom", f"{BASE}/pods", BASE, f"{BASE}/events"]
    assert parse_qs(urlsplit(api.asked[1].path).query)["labelSelector"] == ["own=label,other=one"]


def test_of_a_namespace_the_jobs_are_read_before_their_pods(api: Api, ask: Callable[..., Result]) -> None:
    """So that the view of the pods is never the older one; the namespace and its Events come after."""
    ask(Shelf("recorded/oom"), "-n", "batch")
    assert asked_for(api) == [JOBS, f"{BASE}/pods", BASE, f"{BASE}/events"]


def test_the_moment_is_the_api_servers(api: Api, tmp_path: Path) -> None:
    """Of a cluster it is now, by the server's own clock, and not the newest time that an object has."""
    kubeconfig = str(api.write_kubeconfig(tmp_path / "kubeconfig", token="t0ken"))
    api.tell("GET", Shelf("recorded/oom"))
    before = datetime.now(UTC) - timedelta(seconds=2)
    said = CliRunner().invoke(explain, ["job/oom", "-n", "batch", "--kubeconfig", kubeconfig]).stdout

    (moment,) = re.findall(r"^as of (.*)$", said, re.MULTILINE)
    assert before < datetime.fromisoformat(moment) < datetime.now(UTC) + timedelta(seconds=2)


def test_a_namespace_is_one_line_a_job(ask: Callable[..., Result]) -> None:
    """A namespace alone: a line a Job, the worst first, and a count; in JSON the whole."""
    shelf = Shelf("recorded/exit-0", "recorded/oom", "recorded/no-volume")
    told = ask(shelf, "-n", "batch").stdout.splitlines()

    assert [line.split()[0] for line in told[:3]] == ["job/no-volume", "job/oom", "job/exit-0"]
    assert told[3].startswith("3 in all: ")
    assert told[4] == f"as of {NOW}"
    assert len(json.loads(ask(shelf, "-n", "batch", "-o", "json").stdout)) == 3


def test_a_long_list_comes_in_pages(api: Api, ask: Callable[..., Result]) -> None:
    """What a list does not have at once is asked for, page after page."""
    said = account(ask(Shelf("recorded/parallel", page=1), "job/parallel", "-n", "batch", "-o", "json"))

    assert said["code"] == account(ask(Shelf("recorded/parallel"), "parallel", "-n", "batch", "-o", "json"))["code"]
    assert sum("continue=" in one.path for one in api.asked) > 3


def test_a_list_whose_pages_expire_is_begun_again(ask: Callable[..., Result]) -> None:
    """A page that the API server no longer has costs the list once more, and not the answer."""
    shelf, expired = Shelf("recorded/parallel", page=1), refusal(410, "The provided continue parameter is too old")
    rest = iter([expired])
    shelf.told[f"{BASE}/pods"] = lambda asked: (
        (next(rest, None) if "continue" in asked.path else None)
        or shelf.list("Pod", int(parse_qs(urlsplit(asked.path).query).get("continue", ["0"])[0]))
    )

    assert account(ask(shelf, "job/parallel", "-n", "batch", "-o", "json"))["decision"] == "ended"
    assert next(rest, None) is None

    shelf.told[f"{BASE}/pods"] = expired
    result = ask(shelf, "job/parallel", "-n", "batch")
    assert (result.exit_code, "410" in result.stderr) == (Exit.UNAVAILABLE, True)


@pytest.mark.parametrize("output", ["text", "json"])
def test_events_that_may_not_be_read_are_said_and_no_failure(ask: Callable[..., Result], output: str) -> None:
    """A role without Events explains what it can, and says what is not there for it to read."""
    shelf = Shelf("recorded/oom")
    shelf.told[f"{BASE}/events"] = refusal(403, 'events is forbidden: User "x" cannot list resource "events"')
    result = ask(shelf, "job/oom", "-n", "batch", "-o", output)

    assert result.exit_code == 0
    assert "oom_killed" in result.stdout
    assert "left out: events: GET" in result.output
    assert "cannot list resource" in result.output
    if output == "json":
        assert account(ask(shelf, "job/oom", "-n", "batch", "-o", output))["missing"] == ["events"]
    else:
        assert "not there, or not for us to read: events" in result.stdout


def test_a_namespace_object_that_may_not_be_read_is_no_failure(ask: Callable[..., Result]) -> None:
    """A role that may not get its namespace explains all the same."""
    shelf = Shelf("recorded/oom")
    shelf.told[BASE] = refusal(403, "namespaces is forbidden")

    assert account(ask(shelf, "job/oom", "-n", "batch", "-o", "json"))["code"] == "oom_killed"


def test_a_node_is_asked_for_where_nothing_else_tells(api: Api, ask: Callable[..., Result]) -> None:
    """The Node of a pod that a taint took away is read; where it may not be, that is said and is no failure."""
    shelf = Shelf("recorded/tainted")
    (pod, *_) = [one for one in shelf.objects if one["kind"] == "Pod"]
    pod["status"]["conditions"] = [
        {"type": "DisruptionTarget", "status": "True", "reason": "DeletionByTaintManager"},
    ]
    node = f"/api/v1/nodes/{pod['spec']['nodeName']}"
    assert ask(shelf, "job/tainted", "-n", "batch").exit_code == 0
    assert node in asked_for(api)

    shelf.told[node] = refusal(403, "nodes is forbidden")
    assert "nodes" in account(ask(shelf, "job/tainted", "-n", "batch", "-o", "json"))["missing"]


def test_of_a_job_that_is_gone_what_is_left_is_explained(api: Api, ask: Callable[..., Result]) -> None:
    """Pods outlive a Job that was deleted without them: they are found by its name."""
    shelf = Shelf("recorded/oom")
    shelf.objects = [one for one in shelf.objects if one["kind"] != "Job"]
    said = account(ask(shelf, "job/oom", "-n", "batch", "-o", "json"))

    assert (said["decision"], said["code"], said["missing"]) == ("attempt", "oom_killed", ["job"])
    assert "labelSelector=batch.kubernetes.io%2Fjob-name%3Doom" in api.asked[1].path
    assert "kubectl -n batch get events" in ask(shelf, "job/oom", "-n", "batch").stdout


def test_its_own_deletion_is_seen(ask: Callable[..., Result]) -> None:
    """A namespace that is being deleted takes the pods first: that is what ended its Jobs."""
    shelf = Shelf("recorded/deleted")
    shelf.told[BASE] = Reply(200, {"metadata": {"name": "batch", "deletionTimestamp": "2026-11-25T10:00:00Z"}})
    job = next(one for one in shelf.objects if one["kind"] == "Job")
    for condition in job["status"]["conditions"]:
        condition["lastTransitionTime"] = datetime.now(UTC).isoformat()

    result = ask(shelf, "job/deleted", "-n", "batch", "-o", "json", "--now", datetime.now(UTC).isoformat())
    assert account(result)["code"] == "job_deleted"


@pytest.mark.parametrize(
    ("path", "reply", "code", "words"),
    [
        (f"{JOBS}/oom", refusal(401, "Unauthorized"), Exit.NO_PERMISSION, "log in anew"),
        (f"{JOBS}/oom", refusal(403, "jobs is forbidden"), Exit.NO_PERMISSION, "get and list of jobs and pods"),
        (f"{BASE}/pods", refusal(403, "pods is forbidden"), Exit.NO_PERMISSION, "get and list of jobs and pods"),
        (f"{JOBS}/oom", refusal(503, "etcd"), Exit.UNAVAILABLE, "kubectl cluster-info"),
        (f"{BASE}/events", refusal(500, "etcd"), Exit.UNAVAILABLE, "kubectl cluster-info"),
    ],
)
def test_an_answer_that_is_none_is_a_typed_error(
    ask: Callable[..., Result], path: str, reply: Reply, code: Exit, words: str
) -> None:
    """Who is not let in, not allowed, or not answered is told so, in the API's own words, with what to do."""
    shelf = Shelf("recorded/oom")
    shelf.told[path] = reply
    result = ask(shelf, "job/oom", "-n", "batch")

    assert (result.exit_code, result.stdout) == (code, "")
    assert words in result.stderr
    assert str(reply.body["message"]) in result.stderr


def test_what_is_not_there_is_said(ask: Callable[..., Result]) -> None:
    """No such Job, and no such namespace, are two errors, each with the line that lists what there is."""
    shelf = Shelf()
    result = ask(shelf, "job/etl", "-n", "batch")
    assert (result.exit_code, 'no Job "etl"' in result.stderr) == (Exit.NOT_FOUND, True)
    assert "kubectl -n batch get jobs" in result.stderr

    result = ask(shelf, "-n", "batch")
    assert (result.exit_code, "no Job in the namespace" in result.stderr) == (Exit.OK, True)

    shelf.objects = [one for one in Shelf("recorded/oom").objects if one["kind"] == "Event"]
    assert ask(shelf, "-n", "batch").stdout == f"as of {NOW}\n"

    shelf.told[BASE] = MISSING
    for words in (("job/etl", "-n", "batch"), ("-n", "batch")):
        result = ask(shelf, *words)
        assert (result.exit_code, 'no namespace "batch"' in result.stderr) == (Exit.NOT_FOUND, True)


def test_a_page_of_a_proxy_is_no_cluster(ask: Callable[..., Result]) -> None:
    """What answers with 200, and is not the API, is told from it; so is what cuts the connection."""
    page: Any = "Please log in"
    result = ask(Reply(200, page), "job/etl", "-n", "batch")
    assert (result.exit_code, "perhaps a proxy" in result.stderr) == (Exit.UNAVAILABLE, True)

    result = ask(RESET, "job/etl", "-n", "batch")
    assert (result.exit_code, "does not answer" in result.stderr) == (Exit.UNAVAILABLE, True)


def test_a_cluster_that_is_not_there_is_unavailable(api: Api, tmp_path: Path) -> None:
    """A port that nobody listens on is said with its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        api.url = f"http://127.0.0.1:{free.getsockname()[1]}"
        kubeconfig = api.write_kubeconfig(tmp_path / "nobody", token="t0ken")
        result = CliRunner().invoke(explain, ["--kubeconfig", str(kubeconfig), "job/etl"])

    assert (result.exit_code, api.url in result.stderr) == (Exit.UNAVAILABLE, True)


def test_a_context_or_kubeconfig_that_is_not_there_is_said(api: Api, tmp_path: Path) -> None:
    """Both are named, with how to see what there is."""
    kubeconfig = str(api.write_kubeconfig(tmp_path / "kubeconfig", token="t0ken"))
    for words in (("--kubeconfig", kubeconfig, "--context", "nope"), ("--kubeconfig", str(tmp_path / "nope"))):
        result = CliRunner().invoke(explain, ["job/etl", *words])
        assert (result.exit_code, "nope" in result.stderr) == (Exit.UNAVAILABLE, True)
        assert "kubectl config view" in result.stderr


@pytest.mark.parametrize("words", [("etl",), ("job/etl",), ("jobs/etl",), ("job.batch/etl",), ("jobs.batch/etl",)])
def test_a_job_is_named_as_kubectl_takes_it(ask: Callable[..., Result], words: tuple[str, ...]) -> None:
    """With and without its kind, in the namespace of the context where none is given."""
    result = ask(Shelf(), *words)
    assert 'no Job "etl" in the namespace "default"' in result.stderr


@pytest.mark.parametrize(
    "words",
    [(), ("pod/etl",), ("job/a/b",), ("job/",), ("../x",), ("job/etl", "-n", "A b"), ("job/etl", "-f", "-")],
)
def test_what_it_is_asked_about_is_said_clearly(words: tuple[str, ...]) -> None:
    """Neither a Job nor a namespace nor a file, another kind, a name that is none, or two of them, is refused."""
    result = CliRunner().invoke(explain, list(words), input="")
    assert (result.exit_code, result.stdout) == (Exit.USAGE, "")


def test_the_namespace_is_the_contexts(tmp_path: Path) -> None:
    """As for kubectl: the current context's, or that of the context that is named, else `default`."""
    path = tmp_path / "kubeconfig"
    contexts = [{"name": one, "context": {"cluster": "c", "user": "u", "namespace": f"ns-{one}"}} for one in "ab"]
    contexts.append({"name": "c", "context": {"cluster": "c", "user": "u"}})
    known = {"clusters": [{"name": "c", "cluster": {}}], "users": [{"name": "u", "user": {}}]}
    path.write_text(json.dumps({"kind": "Config", "current-context": "a", "contexts": contexts, **known}))

    assert [namespace_of(str(path), one) for one in (None, "b", "c", "nope")] == ["ns-a", "ns-b", "default", "default"]
    assert namespace_of(str(tmp_path / "nope"), None) == "default"


def test_an_installations_own_graces_are_its(ask: Callable[..., Result]) -> None:
    """`--grace-of` says when a state is an ending; a code that has no grace is refused by name."""
    shelf, words = Shelf("recorded/image-dns"), ("job/image-dns", "-n", "batch", "-o", "json")

    assert account(ask(shelf, *words))["code"] == "image_registry_unavailable"
    assert account(ask(shelf, *words, "--grace-of", "image_registry_unavailable=30d"))["decision"] == "not_yet"
    assert "exit_nonzero" in ask(shelf, *words, "--grace-of", "exit_nonzero=5m").stderr
