"""How a command ended in a pod is told once, with its exit code, its output and where it ran."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from eightbells.consumer import Consumer, Delivery
from eightbells.events.contract import keys
from eightbells.events.schema import Data

from tests.consumer.consuming import running
from tests.e2e.site import BUS, Site, tail_of

MANY = 200


def check_place(site: Site, data: Data, pods: Sequence[Any]) -> None:
    """Where it ran is where Kubernetes had it run, and both times are there."""
    place = data.place
    assert place is not None
    (pod,) = [one for one in pods if one.metadata.uid == place.pod_uid]
    (main,) = pod.spec.containers
    assert (place.cluster, place.namespace, place.pod) == ("test", site.namespace, pod.metadata.name)
    assert (place.node, place.container, place.image) == (pod.spec.node_name, main.name, main.image)
    assert data.started_at is not None
    assert data.finished_at is not None
    assert data.started_at <= data.finished_at


def test_a_success_says_where_it_ran(site: Site) -> None:
    """Exit code, output, times and the whole place, as the downward API knows it."""
    dispatch = site.submit("sh", "-c", "echo out; echo err >&2")
    data = site.ending(dispatch)
    pod, job = site.pod(dispatch), site.job(dispatch)
    assert (data.state, data.code, data.exit_code, data.signal) == ("completed", "exited_zero", 0, None)
    assert tail_of(data.stdout) == "out\n"
    assert tail_of(data.stderr) == "err\n"
    assert data.place is not None
    assert (data.place.job, data.place.job_uid) == (job.metadata.name, job.metadata.uid)
    assert (data.place.container, data.place.image) == ("main", site.images.debian)
    check_place(site, data, [pod])
    assert [event.data.state for event in site.events(dispatch)] == ["running", "completed"]


@pytest.mark.parametrize("code", [1, 7, 126, 137, 255])
def test_an_exit_code_is_the_commands(site: Site, code: int) -> None:
    """The event has it, and so has Kubernetes."""
    dispatch = site.submit("sh", "-c", f"exit {code}")
    data = site.ending(dispatch)
    assert (data.state, data.code, data.fault, data.exit_code) == ("failed", "exit_nonzero", "user", code)
    assert site.termination(dispatch)[0] == code
    check_place(site, data, site.pods(dispatch))


def test_a_signal_has_a_name(site: Site) -> None:
    """A command that a signal killed has no exit code of its own, and the container's is 128 + n."""
    dispatch = site.submit("sh", "-c", "kill -SEGV $$$$")
    data = site.ending(dispatch)
    assert (data.state, data.code, data.signal) == ("failed", "signalled", "SIGSEGV")
    assert site.termination(dispatch)[0] == 128 + 11
    check_place(site, data, site.pods(dispatch))


def test_a_command_that_is_not_there_is_named(site: Site) -> None:
    """Whose fault it is, is said, too."""
    dispatch = site.submit("no-such-command")
    data = site.ending(dispatch)
    assert (data.code, data.fault, data.exit_code) == ("command_not_found", "config", 127)
    assert "no-such-command" in (data.message or "")


def test_a_megabyte_of_output_is_kept_at_both_ends(site: Site) -> None:
    """The event stays small, says how much there was, and `kubectl logs` has the rest."""
    script = "i=0; while [ $i -lt 1024 ]; do printf '%01023d\\n' $i; i=$((i+1)); done"
    dispatch = site.submit("sh", "-c", script)
    data = site.ending(dispatch)
    check_place(site, data, site.pods(dispatch))
    output = data.stdout
    assert output is not None
    assert output.total_bytes == 1 << 20
    assert output.truncated
    assert output.head.startswith("0" * 1023 + "\n")
    assert output.tail.endswith("0" * 1019 + "1023\n")
    assert site.termination(dispatch)[0] == 0  # before that the kubelet may not know of a log
    logged = site.cluster.core.read_namespaced_pod_log(site.pod(dispatch).metadata.name, site.namespace)
    assert len(logged) == 1 << 20


def test_a_result_comes_with_the_ending(site: Site) -> None:
    """The command is told where to leave it, on a volume of its own."""
    data = site.run('echo "{\\"score\\": 0.5}" > "$EIGHTBELLS_RESULT"', result="required")
    assert (data.code, data.result) == ("exited_zero", {"score": 0.5})
    check_place(site, data, site.pods(data.dispatch_id))


def test_a_result_that_is_missing_is_a_failure(site: Site) -> None:
    """Where the dispatch asks for one."""
    data = site.run("true", result="required")
    assert (data.state, data.code, data.exit_code) == ("failed", "result_invalid", 0)


def test_a_timeout_comes_with_output(site: Site) -> None:
    """The wrapper's deadline counts from the command's start, and ends it before the Job's does."""
    data = site.run("echo working; exec sleep 1000", timeout=2)
    assert (data.state, data.code, data.terminated_by) == ("failed", "deadline_exceeded", "timeout")
    assert tail_of(data.stdout) == "working\n"
    check_place(site, data, site.pods(data.dispatch_id))


def test_inputs_secrets_and_labels_arrive(site: Site) -> None:
    """What a dispatch brings along is there when its command starts, and its secrets only there."""
    site.cluster.create(
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "mine"}, "stringData": {"key": "p4ssw0rd"}},
        site.namespace,
    )
    key = {"secret": "mine", "key": "key"}
    script = 'cat /eightbells-inputs/a.txt; test "$KEY" = "$(cat /etc/key)" && cmp /etc/key /etc/other && echo same'
    dispatch = site.submit(
        *("sh", "-c", script),
        inputs={"a.txt": "grüße\n"},
        secret_env={"KEY": key},
        secret_files={"/etc/key": key, "/etc/other": key},
        labels={"team": "blue"},
    )
    data = site.ending(dispatch)
    assert tail_of(data.stdout) == "grüße\nsame\n"
    assert site.job(dispatch).metadata.labels["team"] == "blue"
    assert "p4ssw0rd" not in str(site.job(dispatch).to_dict())


async def test_two_hundred_at_once_end_once_each(site: Site) -> None:
    """Each is delivered to the consumer, once, with its own output and context."""
    dispatches = [
        site.dispatch("sh", "-c", f"echo {number}; exit {number % 3}", context=f"c{number}", id=f"many-{number}")
        for number in range(MANY)
    ]
    seen: list[Delivery] = []

    async def handle(delivery: Delivery) -> None:
        seen.append(delivery)

    async with running(Consumer(site.server.url, "g", handle, namespace=BUS)) as works:
        outcomes = await asyncio.to_thread(lambda: list(site.dispatcher.submit_many(dispatches)))
        assert [outcome.error for outcome in outcomes if outcome.error] == []
        await works.until(lambda: len({one.dispatch for one in seen}) == MANY, "all are delivered", within=240)
    assert set(Counter(one.dispatch for one in seen).values()) == {1}
    pods = site.cluster.core.list_namespaced_pod(site.namespace).items
    server: Any = site.server.client()
    for one in seen:
        number = int(one.dispatch.removeprefix("many-"))
        data = one.event.data
        assert data.exit_code == number % 3
        assert tail_of(data.stdout) == f"{number}\n"
        assert one.context == f"c{number}"
        check_place(site, data, pods)
        assert not server.hexists(keys.record(BUS, one.dispatch), "conflicts"), "somebody told another ending"
    assert sum(event.is_ending for one in dispatches for event in site.events(one.id)) == MANY
