"""A dispatch is started once, whoever died or spoke between its register and its Job."""

import time
from pathlib import Path

import pytest
from eightbells.dispatcher.bus import Bus
from eightbells.dispatcher.errors import Conflict, Gone, TooLate
from eightbells.dispatcher.jobs import Jobs
from eightbells.dispatcher.submission import Submission, Ticket, prepare

from tests.bus.bus import report
from tests.dispatcher.faults import MISSING, RESET, TAKEN, Reply, created, refusal
from tests.dispatcher.submitting import SETTINGS, Harbour, dispatch

DELETED = {"deletionTimestamp": "2026-01-01T00:00:00Z"}


def test_other_content_is_told_also_where_there_is_no_job_yet(harbour: Harbour) -> None:
    """Somebody died after he had registered it: nobody else's content is run under his id, and his own is."""
    with pytest.raises(TooLate):
        harbour.open(create_seconds=0).submit(dispatch())
    harbour.api.tell("POST", created)

    with pytest.raises(Conflict, match="other content: it was registered with the fingerprint"):
        harbour.open().submit(dispatch(timeout=5))

    assert harbour.api.asked == []
    assert harbour.open().submit(dispatch()).status == "created"


def test_two_lines_with_one_id_and_different_content_are_told_apart(harbour: Harbour) -> None:
    """Also in one batch: the first is run, the second is a conflict."""
    harbour.api.tell("POST", created)

    first, second = sorted(harbour.open().submit_many([dispatch(), dispatch(timeout=5)]), key=lambda one: one.index)

    assert first.submitted
    assert isinstance(second.error, Conflict)


@pytest.mark.parametrize("is_known", [True, False])
def test_a_job_of_ours_that_is_being_deleted_is_not_followed_by_another(harbour: Harbour, is_known: bool) -> None:
    """Whatever the bus knew of it: its command may have run, and from now on the bus knows."""
    harbour.api.tell("POST", created)
    harbour.open().submit(dispatch())
    harbour.bus.client.flushall()
    if is_known:
        harbour.bus.register("d", namespace="jobs")
    harbour.api.tell("POST", TAKEN)
    harbour.api.tell("GET", harbour.api.posted(**DELETED), MISSING)

    for _ in range(2):
        with pytest.raises(Gone, match="not started twice"):
            harbour.open().submit(dispatch())

    assert harbour.read()["uid"] == "uid-1"
    assert harbour.api.count("POST") == 2


def test_a_job_of_ours_that_is_deleted_for_a_cancel_is_said_to_be_cancelled(harbour: Harbour) -> None:
    """The cancel came while the POST was under way, whose answer was lost."""
    harbour.api.tell("POST", RESET)
    harbour.api.tell("GET", lambda asked: going(harbour, asked))

    assert harbour.open().submit(dispatch()).status == "cancelling"


def going(harbour: Harbour, _: object) -> Reply:
    harbour.bus.cancel("d")
    return harbour.api.posted(**DELETED)


def test_a_command_that_was_heard_before_its_register_is_not_started_again(harbour: Harbour) -> None:
    """The bus had lost the record, and the command has spoken since: its Job was there."""
    harbour.bus.tell("d", "running")
    harbour.api.tell("GET", MISSING)

    with pytest.raises(Gone):
        harbour.open().submit(dispatch())

    assert harbour.api.count("POST") == 0


def test_a_second_job_is_deleted_again_when_the_first_turns_out_to_have_run(harbour: Harbour) -> None:
    """The first was deleted by somebody, and its command's word came only now."""
    late = report("d", "running", job_uid="uid-0")
    harbour.api.tell("POST", lambda asked: created(asked)._replace(then=lambda: harbour.bus.publish(late)))
    harbour.api.tell("DELETE", Reply(200, {}))

    with pytest.raises(Gone, match="another, which has run"):
        harbour.open().submit(dispatch())

    assert harbour.api.asked[-1].body["preconditions"] == {"uid": "uid-1"}


def test_whose_turn_comes_after_his_time_registers_again(harbour: Harbour, tmp_path: Path) -> None:
    """A batch may wait for a slow server; what waited is not too late for that."""
    harbour.api.tell("POST", created)
    bus = Bus(harbour.server.url, "test", "c")
    submission = Submission(bus, Jobs(harbour.api.connect(tmp_path / "kubeconfig")))
    wanted = prepare(dispatch(), SETTINGS)
    (ticket,) = submission.register([wanted])

    assert submission.submit(wanted, Ticket(ticket.registered, time.monotonic())).status == "created"
    bus.close()


@pytest.mark.parametrize("answer", [Reply(200, {}), Reply(201, {"kind": "Job", "metadata": {"name": 7}})])
def test_an_answer_that_is_no_job_is_looked_into(harbour: Harbour, answer: Reply) -> None:
    """A proxy may answer what it likes: the Job may have been created."""
    harbour.api.tell("POST", answer)
    harbour.api.tell("GET", lambda _: harbour.api.posted())

    assert harbour.open().submit(dispatch()).job_uid == "uid-1"
    assert harbour.api.count("POST") == 1


def test_a_lost_answer_to_a_look_makes_nothing_ours(harbour: Harbour) -> None:
    """The Job was there before: that its GET had to be repeated does not make us its creator."""
    harbour.api.tell("POST", TAKEN)
    harbour.api.tell("GET", RESET, lambda _: harbour.api.posted())

    assert harbour.open().submit(dispatch()).status == "existing"


def test_an_api_that_goes_away_with_a_post_is_waited_for(harbour: Harbour) -> None:
    """Its answers come again within the time to create, however long that is compared with our usual patience."""
    harbour.api.tell("POST", RESET, created)
    harbour.api.tell("GET", *[refusal(503, "starting")] * 3, MISSING)

    assert harbour.open().submit(dispatch()).status == "created"
