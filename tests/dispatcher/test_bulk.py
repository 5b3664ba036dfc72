"""Many at once: what has come is submitted, each has its own result, and nothing that befalls one stops another."""

import queue
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from eightbells.cli.exits import Exit
from eightbells.dispatcher import Dispatch
from eightbells.dispatcher.bulk import Bulk, Outcome
from eightbells.dispatcher.bus import Bus
from eightbells.dispatcher.errors import Refused, Unavailable, Unexpected
from eightbells.dispatcher.jobs import Jobs
from eightbells.dispatcher.submission import Prepared, Submission, Submitted, Ticket, prepare

from tests.dispatcher.faults import TAKEN, created, refusal
from tests.dispatcher.shell import Shell
from tests.dispatcher.submitting import SETTINGS, Harbour, dispatch
from tests.waiting import wait_until


def test_what_has_come_is_submitted_while_the_next_is_waited_for(harbour: Harbour) -> None:
    """A writer who takes his time sees what became of his first before he says his second."""
    harbour.api.tell("POST", created)
    go_on = threading.Event()

    def slow() -> Iterator[Dispatch]:
        for number in range(3):
            yield dispatch(f"slow/{number}")
            assert go_on.wait(20)
            go_on.clear()

    found = []
    for outcome in harbour.open().submit_many(slow()):
        found.append(outcome.id)
        go_on.set()

    assert found == ["slow/0", "slow/1", "slow/2"]


def test_a_pipe_that_is_not_closed_is_read_as_it_fills_and_can_be_left(shell: Shell) -> None:
    """The first line is submitted while its writer thinks; Ctrl-C then ends the program as it should."""
    shell.api.tell("POST", created)
    with shell.start("submit", "--file", "-") as submitting:
        assert submitting.stdin
        assert submitting.stdout
        submitting.stdin.write('{"id":"a","image":"busybox:1"}\n{"id":')
        submitting.stdin.flush()
        assert submitting.stdout.readline().startswith("1 created a ")
        submitting.send_signal(signal.SIGINT)
        _, stderr = submitting.communicate(timeout=25)

    assert (submitting.returncode, stderr) == (Exit.INTERRUPTED, "eightbells: 1 lines, 1 submitted, 0 not\n")


def test_nothing_but_bad_input_is_a_result_for_each(harbour: Harbour) -> None:
    """Documents are taken for what they say, and nobody is asked about one that says nothing."""
    outcomes = list(harbour.open().submit_many([b"no json", {"imag": 1}, '{"image":"i","id":"no good!"}']))

    assert [(one.index, one.id, type(one.error)) for one in sorted(outcomes, key=lambda one: one.index)] == [
        (0, "", Refused),
        (1, "", Refused),
        (2, "no good!", Refused),
    ]
    assert harbour.api.asked == []


def test_many_are_registered_in_few_calls(harbour: Harbour) -> None:
    """The bus is asked for hundreds at once, however fast they come."""
    harbour.api.tell("POST", TAKEN, refusal(403, "no more"))

    def calls() -> int:
        return int(harbour.bus.client.info("commandstats").get("cmdstat_evalsha", {}).get("calls", 0))

    before = calls()
    outcomes = list(harbour.open().submit_many(dispatch(f"few/{number}") for number in range(1000)))

    assert len(outcomes) == 1000
    assert calls() - before < 100


class Faulty(Submission):
    """A submission with a fault that nobody thought of."""

    def submit(self, wanted: Prepared, ticket: Ticket | None = None) -> Submitted:
        if wanted.id == "bad/create":
            raise KeyError("nobody thought of this")
        return super().submit(wanted, ticket)


def prepare_faultily(one: Dispatch) -> Prepared:
    if one.id == "bad/prepare":
        raise AttributeError("nor of this")
    return prepare(one, SETTINGS)


def test_a_fault_that_nobody_thought_of_is_the_result_of_one(
    harbour: Harbour, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """All others are submitted, and the log says where it came from."""
    harbour.api.tell("POST", created)
    bus = Bus(harbour.server.url, "test", "c")
    faulty = Faulty(bus, Jobs(harbour.api.connect(tmp_path / "kubeconfig")))
    wanted = [dispatch(f"bad/{name}") for name in ("a", "create", "prepare", "b")]
    with ThreadPoolExecutor(2) as pool:
        outcomes = {one.id: one for one in Bulk(faulty, prepare_faultily, pool, 2).run(wanted)}

    assert {name for name, one in outcomes.items() if one.submitted} == {"bad/a", "bad/b"}
    assert isinstance(outcomes["bad/create"].error, Unexpected)
    assert "KeyError: 'nobody thought of this'" in str(outcomes["bad/create"].error)
    assert "AttributeError: nor of this" in str(outcomes["bad/prepare"].error)
    assert len([record for record in caplog.records if record.exc_info]) == 2
    bus.close()


def test_a_strange_retry_after_is_none(harbour: Harbour) -> None:
    """A digit that is no number to anybody is no reason to stop."""
    harbour.api.tell("POST", refusal(429, "wait", Retry_After="²"), created)

    (outcome,) = harbour.open().submit_many([dispatch()])

    assert outcome.submitted


def test_input_that_fails_is_an_error_where_it_is_waited_for(harbour: Harbour) -> None:
    """After the results of what had been read."""
    harbour.api.tell("POST", created)

    def broken() -> Iterator[Dispatch]:
        yield dispatch("before")
        raise ConnectionError("the source is gone")

    outcomes = harbour.open().submit_many(broken())

    assert next(outcomes).id == "before"
    with pytest.raises(ConnectionError, match="the source is gone"):
        next(outcomes)


def test_who_leaves_early_starts_nothing_more_and_reads_no_further(harbour: Harbour) -> None:
    """What had not begun is not begun; the input is not read to its end."""
    harbour.api.tell("POST", created)
    read = list[int]()

    def endless() -> Iterator[Dispatch]:
        for number in range(10**9):
            read.append(number)
            yield dispatch(f"endless/{number}")

    outcomes = harbour.open(concurrency=1).submit_many(endless())
    next(outcomes)
    outcomes.close()  # type: ignore[attr-defined]
    wait_until(lambda: all(thread.name != "input" for thread in threading.enumerate()), "nobody reads any more")

    assert len(read) <= 501
    assert harbour.api.count("POST") < 500


def test_a_dispatcher_that_is_closed_meanwhile_says_what_it_did_not_do(harbour: Harbour) -> None:
    """Whoever waits for the results is not left waiting."""
    come, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        come.set()
        go_on.wait(20)

    harbour.api.tell("POST", lambda asked: created(asked)._replace(then=hold))
    dispatcher = harbour.open(concurrency=1)
    found: queue.SimpleQueue[Outcome] = queue.SimpleQueue()

    def submit() -> None:
        for one in dispatcher.submit_many([dispatch(f"closed/{number}") for number in range(3)]):
            found.put(one)

    threads = [threading.Thread(target=submit), threading.Thread(target=dispatcher.close)]
    threads[0].start()
    assert come.wait(20)
    wait_until(lambda: len(harbour.read("closed/2")) > 0, "all are registered")
    threads[1].start()
    outcomes = [found.get(timeout=20)]
    go_on.set()
    for thread in threads:
        thread.join()
    outcomes += [found.get(timeout=20) for _ in range(2)]

    by_id = {one.id: one for one in outcomes}
    assert by_id["closed/0"].submitted
    assert isinstance(by_id["closed/2"].error, Unavailable)
    assert "submit it again" in str(by_id["closed/2"].error)


def test_a_batch_whose_register_fails_is_a_result_for_each(harbour: Harbour) -> None:
    """The bus lets us no more: each is told so, and nothing is created."""
    server = harbour.server
    server.client().acl_setuser("us", enabled=True, passwords=["+p"], keys=["*"], commands=["+@all", "-evalsha"])
    dispatcher = harbour.open(url=server.url.replace("://", "://us:p@"))

    outcomes = list(dispatcher.submit_many([dispatch("x/1"), dispatch("x/2")]))

    assert ["the bus does not let us" in str(one.error) for one in outcomes] == [True, True]
    assert harbour.api.asked == []
    server.client().acl_deluser("us")


def test_a_worker_is_never_without_work_while_there_is_some(harbour: Harbour) -> None:
    """One POST that hangs holds up itself, and none of the hundreds behind it."""
    go_on = threading.Event()
    harbour.api.tell("POST", lambda asked: created(asked)._replace(then=partial(go_on.wait, 20)), created)
    outcomes = harbour.open(concurrency=2).submit_many(dispatch(f"behind/{number}") for number in range(700))

    others = [next(outcomes) for _ in range(699)]
    go_on.set()

    assert all(one.submitted for one in (*others, *outcomes))


def test_hundreds_of_threads_share_the_connections(harbour: Harbour) -> None:
    """Of the API and of the bus: no more are opened than the dispatcher is to have."""
    harbour.api.tell("POST", created)

    def opened() -> int:
        return int(harbour.bus.client.info("stats")["total_connections_received"])

    dispatcher, before = harbour.open(concurrency=4, connections=4), opened()
    found: queue.SimpleQueue[Submitted] = queue.SimpleQueue()
    threads = [
        threading.Thread(target=lambda number=number: found.put(dispatcher.submit(dispatch(f"shared/{number}"))))
        for number in range(300)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found.qsize() == 300
    assert (harbour.api.connections <= 4, opened() - before <= 4) == (True, True)
