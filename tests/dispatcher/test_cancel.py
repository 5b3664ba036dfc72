"""Cancelling: one ending in every case, and the Job deleted by its UID."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from eightbells.dispatcher.bus import Bus
from eightbells.dispatcher.cancellation import Cancellation, Canceller, advance
from eightbells.dispatcher.errors import Conflict
from eightbells.dispatcher.jobs import Jobs
from eightbells.dispatcher.names import CANCELLED_ANNOTATION, DISPATCH_ANNOTATION
from eightbells.events import document
from eightbells.events.contract.scripts import Report
from eightbells.events.reporting import Published
from eightbells.events.schema import Data, Event, Output

from tests.bus.bus import report
from tests.dispatcher.faults import MISSING, RESET, Reply, refusal
from tests.dispatcher.submitting import Harbour

FINE = Reply(200, {})


def job(**more: Any) -> Reply:
    """A Job of the dispatch `d`."""
    status = more.pop("status", {})
    metadata = {"name": "j", "namespace": "jobs", "uid": "uid-1", "annotations": {DISPATCH_ANNOTATION: "d"}, **more}
    return Reply(200, {"metadata": metadata, "status": status})


def said(state: str, **more: Any) -> bytes:
    """A document of the wrapper."""
    data = Data("d", state, "wrapper", run="r1", **more)  # type: ignore[arg-type]
    return document.encode(Event("1.0", f"d/r1/{state}", "w", f"io.eightbells.dispatch.{state}.v1", "d", "t", data))


def speak(harbour: Harbour, state: str, **more: Any) -> None:
    """Publish what a wrapper would."""
    event = report("d", state, document=said(state, **more), verdict=b'{"state":"failed","code":"exit_nonzero"}')
    harbour.bus.publish(event)


def test_what_was_never_heard_of_is_ended_by_the_canceller(harbour: Harbour) -> None:
    """Its register may be on the way, and will be told."""
    harbour.api.tell("GET", MISSING)

    found = harbour.open().cancel("d")

    assert found.status == "cancelled"
    assert [event.data.code for event in harbour.endings] == ["cancelled"]
    assert harbour.bus.register("d").status == "ended"


def test_what_was_registered_and_never_created_is_ended_by_the_canceller(harbour: Harbour) -> None:
    """Its Job may still come: that is said."""
    harbour.bus.register("d", namespace="jobs", job="j", labels='{"a":"b"}', rerun_of="c")
    harbour.api.tell("GET", MISSING)

    assert harbour.open().cancel("d").status == "cancelled"

    data = harbour.endings[0].data
    assert (data.may_still_start, data.labels, data.rerun_of) == (True, {"a": "b"}, "c")
    assert harbour.api.asked[0].path == "/apis/batch/v1/namespaces/jobs/jobs/j"


def test_a_success_stands(harbour: Harbour) -> None:
    """What has ended is not cancelled any more, and the API is not asked."""
    harbour.bus.tell("d", "completed", verdict='{"state":"completed","code":"exited_zero"}')

    found = harbour.open().cancel("d")

    assert found.status == "ended"
    assert found.verdict
    assert found.verdict.code == "exited_zero"
    assert harbour.api.asked == []


def test_the_job_is_marked_then_deleted_in_the_foreground_by_its_uid(harbour: Harbour) -> None:
    """Its deletion is known for ours, it stays until its pods are gone, and no other Job of the name is hit."""
    harbour.bus.register("d", namespace="jobs", job="j")
    harbour.api.tell("GET", job(), job(), MISSING)
    harbour.api.tell("PATCH", FINE)
    harbour.api.tell("DELETE", Reply(202, {}))

    assert harbour.open().cancel("d").status == "cancelled"

    _, patch, delete, *_ = harbour.api.asked
    assert (patch.method, patch.body["metadata"]["uid"]) == ("PATCH", "uid-1")
    assert CANCELLED_ANNOTATION in patch.body["metadata"]["annotations"]
    assert delete.body == {"propagationPolicy": "Foreground", "preconditions": {"uid": "uid-1"}}
    assert harbour.endings[0].data.may_still_start is None


def test_a_command_that_had_the_time_to_end_has_its_exit_code_and_output_in_the_ending(harbour: Harbour) -> None:
    """Its wrapper leaves the ending to others, because it was told to stop from outside."""
    harbour.bus.register("d", namespace="jobs", job="j")
    speak(harbour, "running")
    harbour.api.tell("GET", job(), MISSING)
    harbour.api.tell("PATCH", FINE)
    told = {"code": "exit_nonzero", "exit_code": 9, "terminated_by": "SIGTERM", "stdout": Output("bye", total_bytes=3)}
    harbour.api.tell("DELETE", Reply(202, {}, then=lambda: speak(harbour, "attempt_ended", **told)))

    found = harbour.open().cancel("d")

    assert found.verdict
    assert (found.verdict.code, found.verdict.exit_code) == ("cancelled", 9)
    (ending,) = harbour.endings
    assert (ending.data.run, ending.data.stdout, ending.data.attempt) == ("r1", Output("bye", total_bytes=3), 1)


def test_a_wrapper_that_ends_the_dispatch_itself_is_believed(harbour: Harbour) -> None:
    """It learnt of the cancel from the bus first; the canceller adds nothing."""
    harbour.bus.register("d", namespace="jobs", job="j")
    harbour.api.tell("GET", job())
    harbour.api.tell("PATCH", FINE)
    ending = report(
        "d", "failed", code="cancelled", document=said("failed"), verdict=b'{"state":"failed","code":"cancelled"}'
    )
    harbour.api.tell("DELETE", Reply(202, {}, then=lambda: harbour.bus.publish(ending)))

    assert harbour.open().cancel("d").status == "cancelled"

    assert [event.data.reporter for event in harbour.endings] == ["wrapper"]
    assert "conflicts" not in harbour.read()


class Interrupted(Bus):
    """A bus on which somebody else speaks just before our first publish."""

    def __init__(self, url: str, namespace: str, cluster: str, interrupt: Callable[[], None]) -> None:
        super().__init__(url, namespace, cluster)
        self._interrupts = [interrupt]

    def publish(self, report: Report) -> Published:
        while self._interrupts:
            self._interrupts.pop()()
        return super().publish(report)


def test_a_wrapper_that_speaks_while_the_ending_is_made_is_heard(harbour: Harbour, tmp_path: Path) -> None:
    """The record has changed under the canceller, and it looks again."""
    harbour.bus.register("d", namespace="jobs", job="j")
    harbour.api.tell("GET", MISSING)
    told = {"code": "exit_nonzero", "exit_code": 4, "terminated_by": "SIGTERM"}
    bus = Interrupted(harbour.server.url, "test", "c", lambda: speak(harbour, "attempt_ended", **told))

    found = advance(Canceller(bus, Jobs(harbour.api.connect(tmp_path / "kubeconfig")), "jobs").steps("d"))

    assert isinstance(found, Cancellation)
    assert found.verdict
    assert found.verdict.exit_code == 4
    assert len(harbour.endings) == 1
    bus.close()


def test_a_complete_job_is_left_alone_and_completes(harbour: Harbour) -> None:
    """It had ended; only its ending had not been made."""
    harbour.bus.register("d", namespace="jobs", job="j")
    harbour.api.tell("GET", job(status={"conditions": [{"type": "Complete", "status": "True"}]}))

    assert harbour.open().cancel("d").status == "ended"

    assert harbour.endings[0].data.state == "completed"
    assert {one.method for one in harbour.api.asked} == {"GET"}


@pytest.mark.parametrize("reply", [Reply(404, {}), refusal(404, "404 page not found")])
def test_a_404_that_is_not_the_apis_is_no_absence(harbour: Harbour, reply: Reply) -> None:
    """A proxy on the way knows of no Job: what runs behind it is not ended, and the next look finds it."""
    harbour.bus.register("d", namespace="jobs", job="j", job_uid="uid-1")
    harbour.api.tell("GET", job(), reply, job(), reply, MISSING)
    harbour.api.tell("PATCH", FINE)
    harbour.api.tell("DELETE", Reply(202, {}))

    assert harbour.open().cancel("d").status == "cancelled"
    assert harbour.api.count("GET") == 5


def test_a_cancel_between_two_indices_is_one(harbour: Harbour) -> None:
    """The first has succeeded, the second has not begun: what was wanted has not been done."""
    harbour.bus.register("d", namespace="jobs", job="j")
    speak(harbour, "attempt_ended", code="exited_zero", exit_code=0)
    several = job()
    several.body["spec"] = {"completions": 2}
    harbour.api.tell("GET", several, MISSING)
    harbour.api.tell("PATCH", FINE)
    harbour.api.tell("DELETE", Reply(202, {}))

    assert harbour.open().cancel("d").status == "cancelled"
    assert harbour.endings[0].data.code == "cancelled"


def test_a_foreign_job_of_the_name_is_left_alone(harbour: Harbour) -> None:
    """It is none of ours, so ours was never created."""
    harbour.api.tell("GET", job(annotations={DISPATCH_ANNOTATION: "another"}))

    assert harbour.open().cancel("d").status == "cancelled"
    assert {one.method for one in harbour.api.asked} == {"GET"}


def test_a_job_that_does_not_go_leaves_the_ending_open(harbour: Harbour) -> None:
    """Somebody may still be dying, and would be contradicted; cancelling again goes on."""
    harbour.bus.register("d", namespace="jobs", job="j")
    harbour.api.tell("GET", job())
    harbour.api.tell("PATCH", FINE)
    harbour.api.tell("DELETE", Reply(202, {}))
    dispatcher = harbour.open()

    assert dispatcher.cancel("d", wait=0).status == "cancelling"
    assert harbour.endings == []
    harbour.api.tell("GET", MISSING)
    assert dispatcher.cancel("d").status == "cancelled"
    assert len(harbour.endings) == 1


def test_a_job_that_goes_meanwhile_is_no_error(harbour: Harbour) -> None:
    """The one that we saw is gone, be there another of the name or none."""
    harbour.bus.register("d", namespace="jobs", job="j")
    harbour.api.tell("GET", job(), MISSING, job(uid="uid-2"))
    harbour.api.tell("PATCH", refusal(404, "not found", "NotFound"))
    harbour.api.tell("DELETE", refusal(409, "the UID in the precondition does not match", "Conflict"))

    assert harbour.open().cancel("d").status == "cancelled"


def test_requests_whose_answers_are_lost_are_made_again(harbour: Harbour) -> None:
    """Each of them is safe to repeat."""
    harbour.bus.register("d", namespace="jobs", job="j")
    harbour.api.tell("GET", RESET, job(), RESET, MISSING)
    harbour.api.tell("PATCH", RESET, FINE)
    harbour.api.tell("DELETE", RESET, Reply(202, {}))

    assert harbour.open().cancel("d").status == "cancelled"
    assert [harbour.api.count(method) for method in ("PATCH", "DELETE")] == [2, 2]


def test_two_who_cancel_at_once_make_one_ending(harbour: Harbour) -> None:
    """Both are told of it."""
    harbour.bus.register("d", namespace="jobs", job="j")
    ready = threading.Barrier(2)
    harbour.api.tell("GET", replace_then(MISSING, ready))
    dispatchers, statuses = [harbour.open(), harbour.open()], list[str]()
    threads = [threading.Thread(target=lambda one=one: statuses.append(one.cancel("d").status)) for one in dispatchers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses == ["cancelled", "cancelled"]
    assert len(harbour.endings) == 1


def replace_then(reply: Reply, ready: threading.Barrier) -> Reply:
    return reply._replace(then=ready.wait)


def test_a_dispatch_of_another_cluster_is_said_to_be(harbour: Harbour) -> None:
    """It is marked, and its Job is where we cannot reach it."""
    harbour.bus.register("d", cluster="elsewhere", namespace="jobs", job="j")

    with pytest.raises(Conflict, match="cluster elsewhere"):
        harbour.open().cancel("d")

    assert harbour.read()["cancel"]
    assert harbour.endings == []
