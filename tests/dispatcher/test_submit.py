"""Submitting, whatever the API server does: one Job, created in time, or an error that says why not."""

import threading
from typing import Any

import pytest
from eightbells.dispatcher import Submitted
from eightbells.dispatcher.errors import Conflict, Gone, TooLate, Unavailable
from eightbells.dispatcher.names import DISPATCH_ANNOTATION, SPEC_ANNOTATION

from tests.bus.bus import report
from tests.dispatcher.faults import HANG, MISSING, RESET, TAKEN, Reply, created, refusal
from tests.dispatcher.submitting import Harbour, dispatch


def test_a_dispatch_is_registered_before_its_job_is_created_and_the_bus_is_told_the_uid(harbour: Harbour) -> None:
    """When the POST arrives the record is there; afterwards it has the Job's UID."""
    seen: dict[str, str] = {}
    harbour.api.tell("POST", lambda asked: created(asked)._replace(then=lambda: seen.update(harbour.read())))

    submitted = harbour.open().submit(dispatch())

    assert (submitted.status, submitted.job_uid) == ("created", "uid-1")
    assert (seen["ns"], seen["job"], "uid" in seen) == ("jobs", submitted.job, False)
    assert harbour.read()["uid"] == "uid-1"


@pytest.mark.parametrize("fault", [HANG, RESET, refusal(504, "timed out")], ids=["hang", "reset", "504"])
def test_a_post_whose_answer_is_lost_is_resolved_by_a_get(harbour: Harbour, fault: Any) -> None:
    """The Job that it created is found: no second POST."""
    harbour.api.tell("POST", fault)
    harbour.api.tell("GET", lambda _: harbour.api.posted())

    submitted = harbour.open(seconds=1).submit(dispatch())

    assert (submitted.status, submitted.job_uid) == ("created", "uid-1")
    assert harbour.api.count("POST") == 1


@pytest.mark.parametrize("fault", [HANG, RESET, refusal(500, "etcd")], ids=["hang", "reset", "500"])
def test_a_post_that_did_nothing_is_sent_again_once_that_is_known(harbour: Harbour, fault: Any) -> None:
    """A GET says that there is no Job; only then is there another POST."""
    harbour.api.tell("POST", fault, created)
    harbour.api.tell("GET", MISSING)

    assert harbour.open(seconds=1).submit(dispatch()).status == "created"
    assert [one.method for one in harbour.api.asked] == ["POST", "GET", "POST"]


def test_no_post_is_sent_after_the_time_to_create(harbour: Harbour) -> None:
    """A POST hangs for longer than the bus allows: there is no Job, there is no second POST, and that is said."""
    harbour.api.tell("POST", HANG)
    harbour.api.tell("GET", MISSING)

    with pytest.raises(TooLate, match=r"submitting .*again is safe"):
        harbour.open(seconds=1, create_seconds=0.5).submit(dispatch())

    assert harbour.api.count("POST") == 1


def test_a_post_is_given_up_by_the_api_server_before_its_answer_is(harbour: Harbour) -> None:
    """Whoever looks whether it was done looks when it is decided: it does not come true minutes later."""
    harbour.api.tell("POST", created)

    harbour.open().submit(dispatch())

    (posted,) = harbour.api.asked
    assert posted.path.endswith("/jobs?timeout=30s")


def test_no_post_is_sent_by_who_comes_too_late(harbour: Harbour) -> None:
    """The time to create has passed before its turn came: the API is not asked at all."""
    with pytest.raises(TooLate, match="submitting again is safe"):
        harbour.open(create_seconds=0).submit(dispatch())

    assert harbour.api.asked == []


def test_what_was_registered_and_never_created_is_created_by_the_next_submit(harbour: Harbour) -> None:
    """Whoever dies, or is too late, between the two leaves nothing that has to be cleared away."""
    harbour.bus.register("d", namespace="jobs", job="d")
    harbour.api.tell("POST", created)

    assert harbour.open().submit(dispatch()).status == "created"


def test_a_server_that_is_asked_too_much_is_given_the_time_that_it_wants(harbour: Harbour) -> None:
    """After 429 with Retry-After the POST is sent again, and not before."""
    harbour.api.tell("POST", refusal(429, "too many", Retry_After="1"), created)

    assert harbour.open().submit(dispatch()).status == "created"
    assert harbour.api.count("POST") == 2


def test_a_server_that_is_asked_too_much_for_too_long_is_an_outage(harbour: Harbour) -> None:
    """Nothing waits beyond the time to create, and nothing is sent after it."""
    harbour.api.tell("POST", refusal(429, "too many requests, please try again later", Retry_After="3600"))

    with pytest.raises(Unavailable, match="too many requests, please try again later"):
        harbour.open().submit(dispatch())

    assert harbour.api.count("POST") == 1


def test_closing_waits_for_no_server_that_is_asked_too_much(harbour: Harbour) -> None:
    """It would hold up who interrupts for minutes; the submit that waited says what it waited for."""
    asked = threading.Event()
    harbour.api.tell("POST", refusal(429, "too many", Retry_After="200")._replace(then=asked.set), created)
    dispatcher, errors = harbour.open(), list[str]()

    def submit() -> None:
        with pytest.raises(Unavailable) as error:
            dispatcher.submit(dispatch())
        errors.append(str(error.value))

    submitting = threading.Thread(target=submit)
    submitting.start()
    assert asked.wait(20)
    assert dispatcher.submit(dispatch("another")).status == "created"
    assert submitting.is_alive(), "it waits for longer than for a server that is not there"
    dispatcher.close()
    submitting.join()

    assert "too many" in errors[0]


def test_submitting_again_is_the_same_job(harbour: Harbour) -> None:
    """The same id and content: the Job that is there."""
    harbour.api.tell("POST", created, TAKEN)
    dispatcher = harbour.open()
    dispatcher.submit(dispatch())
    harbour.api.tell("GET", harbour.api.posted())

    assert dispatcher.submit(dispatch()).status == "existing"


def test_the_same_id_with_other_content_names_both(harbour: Harbour) -> None:
    """A conflict says which fingerprint is there and which was wanted."""
    harbour.api.tell("POST", created)
    dispatcher = harbour.open()
    dispatcher.submit(dispatch())
    found = harbour.api.posted()
    harbour.api.tell("GET", found)

    with pytest.raises(Conflict, match="other content") as error:
        dispatcher.submit(dispatch(timeout=5))

    assert found.body["metadata"]["annotations"][SPEC_ANNOTATION] in str(error.value)
    assert str(error.value).count("fingerprint") == 1
    assert harbour.api.count("POST") == 1


@pytest.mark.parametrize(("annotations", "whose"), [({}, "not ours"), ({DISPATCH_ANNOTATION: "other"}, "other")])
def test_a_foreign_job_of_the_name_is_an_error_that_names_it(
    harbour: Harbour, annotations: dict[str, str], whose: str
) -> None:
    """Nobody's Job is taken for ours, and none is touched."""
    harbour.api.tell("POST", TAKEN)
    metadata = {"name": "x", "namespace": "jobs", "uid": "u", "annotations": annotations}
    harbour.api.tell("GET", Reply(200, {"metadata": metadata}))

    with pytest.raises(Conflict, match=f"Job jobs/x .*{whose}"):
        harbour.open().submit(dispatch())


def test_an_id_that_has_ended_answers_with_its_verdict(harbour: Harbour) -> None:
    """Nothing is started: the API is not even asked."""
    harbour.bus.tell("d", "failed", verdict='{"state":"failed","code":"exit_nonzero","exit_code":7}')

    submitted = harbour.open().submit(dispatch())

    assert submitted.status == "ended"
    assert submitted.verdict
    assert submitted.verdict.exit_code == 7
    assert harbour.api.asked == []


def test_a_dispatch_that_is_being_cancelled_is_not_started(harbour: Harbour) -> None:
    """The API is not even asked."""
    harbour.bus.cancel("d")

    assert harbour.open().submit(dispatch()).status == "cancelling"
    assert harbour.api.asked == []


def test_a_job_that_is_created_while_its_dispatch_is_cancelled_is_deleted_again(harbour: Harbour) -> None:
    """The cancel came between register and create: the Job goes, by its UID."""
    harbour.api.tell("POST", lambda asked: created(asked)._replace(then=lambda: harbour.bus.cancel("d")))
    harbour.api.tell("DELETE", Reply(200, {}))

    assert harbour.open().submit(dispatch()).status == "cancelling"

    assert harbour.api.asked[-1].method == "DELETE"
    assert harbour.api.asked[-1].body == {"propagationPolicy": "Foreground", "preconditions": {"uid": "uid-1"}}


def test_a_job_that_is_being_deleted_is_waited_for(harbour: Harbour) -> None:
    """What had the name goes first; then the bus is asked anew, and ours is created."""
    harbour.api.tell("POST", TAKEN, created)
    going = {"name": "x", "namespace": "jobs", "uid": "old", "deletionTimestamp": "2026-01-01T00:00:00Z"}
    harbour.api.tell("GET", *[Reply(200, {"metadata": going})] * 3, MISSING)

    assert harbour.open().submit(dispatch()).status == "created"
    assert [one.method for one in harbour.api.asked] == ["POST", "GET", "GET", "GET", "GET", "POST"]


def test_a_dispatch_whose_job_is_gone_is_not_started_twice(harbour: Harbour) -> None:
    """It has a Job on record and has not ended: that is said, and nothing is created."""
    harbour.bus.register("d", namespace="jobs", job_uid="uid-0")
    harbour.api.tell("GET", MISSING)

    with pytest.raises(Gone, match="not started twice"):
        harbour.open().submit(dispatch())

    assert harbour.api.count("POST") == 0


def test_a_dispatch_that_has_run_is_not_started_twice(harbour: Harbour) -> None:
    """Its UID did not reach the bus, but word of its command did."""
    harbour.bus.register("d", namespace="jobs")
    harbour.bus.tell("d", "running")
    harbour.api.tell("GET", MISSING)

    with pytest.raises(Gone):
        harbour.open().submit(dispatch())


def test_an_id_of_another_namespace_is_a_conflict_that_names_both(harbour: Harbour) -> None:
    """One dispatch is not started in two places."""
    harbour.bus.register("d", namespace="elsewhere")

    with pytest.raises(Conflict, match="namespace elsewhere of cluster c, not for jobs of c"):
        harbour.open().submit(dispatch())

    assert harbour.api.asked == []


def test_many_are_submitted_and_each_has_its_own_result(harbour: Harbour) -> None:
    """More than one batch; what is refused does not stop the others."""
    harbour.api.tell("POST", created)
    wanted = [dispatch(f"many/{number}") for number in range(600)]
    wanted[7] = dispatch("no good!")

    outcomes = {one.index: one for one in harbour.open().submit_many(wanted)}

    assert sorted(outcomes) == list(range(600))
    assert outcomes[7].error
    assert all(one.submitted and one.submitted.status == "created" for index, one in outcomes.items() if index != 7)
    assert harbour.read("many/599")["uid"] == "uid-1"


def test_two_who_submit_at_once_start_one_job(harbour: Harbour) -> None:
    """Both register; the API takes one of the two, and both are told of it."""
    ready = threading.Barrier(2)
    harbour.api.tell("POST", lambda asked: (ready.wait(), created(asked))[1], lambda _: (ready.wait(), TAKEN)[1])
    harbour.api.tell("GET", lambda _: harbour.api.posted())
    dispatchers, found = [harbour.open(), harbour.open()], list[Submitted]()
    threads = [threading.Thread(target=lambda one=one: found.append(one.submit(dispatch()))) for one in dispatchers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(one.status for one in found) == ["created", "existing"]
    assert {one.job_uid for one in found} == {"uid-1"}


def test_a_dispatch_ended_by_its_run_before_the_uid_was_told_keeps_its_job(harbour: Harbour) -> None:
    """An ending of a run is the Job's own: nothing is deleted."""
    ending = report("d", "failed", verdict='{"state":"failed","code":"exit_nonzero","run":"r1"}')
    harbour.api.tell("POST", lambda asked: created(asked)._replace(then=lambda: harbour.bus.publish(ending)))

    assert harbour.open().submit(dispatch()).status == "created"
    assert harbour.api.count("DELETE") == 0
