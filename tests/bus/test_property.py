"""Whatever happens in whatever order, one ending is accepted, each group commits it once, and nothing is forgotten.

Hypothesis makes up histories: reporters that race, resend and know old lists, consumers that crash between any two
steps (which is to forget what they held), time that passes, a log and a server that lose what they had. A model in
plain Python says what each reply must be; the ledger below counts what was promised, and knows nothing of the model.
"""

from typing import Any

import pytest
from eightbells.events.contract.scripts import Report
from eightbells.events.leasing import DeadLetter, Held, Release, Wanted
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.bus import grouping
from tests.bus.ledger import Ledger
from tests.bus.model import Model
from tests.bus.subject import Subject
from tests.servers.server import Server

DISPATCHES, GROUPS, RUNS, SOURCES = ("a", "b", "c"), ("g", "h"), ("r1", "r2", ""), ("wrapper", "reconciler")
one_dispatch, one_group = st.sampled_from(DISPATCHES), st.sampled_from(GROUPS)


def make_report(dispatch: str, state: str, run: str, source: str = "wrapper", *more: Any) -> Report:
    code, seq, finished = more or ("", None, None)
    document, verdict = f"{dispatch} {run} {state} {source}", f"{state} by {source}"
    told: dict[str, Any] = {"code": code, "seq": seq, "finished_ms": finished}
    return Report(dispatch, state, run=run, source=source, document=document, verdict=verdict, **told)


reports = st.builds(
    make_report,
    one_dispatch,
    st.sampled_from(("running", "attempt_ended", "completed", "failed")),
    st.sampled_from(RUNS),
    st.sampled_from(SOURCES),
    st.sampled_from(("", "cancelled")),
    st.sampled_from((None, None, None, None, 0, 1, 2, 3)),
    st.sampled_from((None, None, None, 0)),
)
MANY = settings(
    max_examples=150, stateful_step_count=80, deadline=None, suppress_health_check=list(HealthCheck), database=None
)


class Histories(RuleBasedStateMachine):
    def __init__(self, server: Server) -> None:
        super().__init__()
        self.subject = Subject(server)
        self.model = Model()
        self.ledger = Ledger()
        self.sent: list[list[Report]] = []
        self.tokens: list[tuple[str, str, int]] = []

    @initialize(groups=st.sets(one_group))
    def begin_with(self, groups: set[str]) -> None:
        for group in sorted(groups):
            self.add_group(group)

    # Reporters.

    @rule(dispatch=one_dispatch, spec=st.sampled_from(("", "f1", "f2")))
    def register(self, dispatch: str, spec: str) -> None:
        assert self.subject.register(dispatch, spec) == self.model.register(dispatch, spec)

    @rule(dispatch=one_dispatch, what=st.sampled_from(("cancel", "beat", "look")))
    def ask(self, dispatch: str, what: str) -> None:
        assert getattr(self.subject, what)(dispatch) == getattr(self.model, what)(dispatch)

    @rule(dispatch=one_dispatch, run=st.sampled_from(RUNS), publisher=st.integers(0, 1))
    def end(self, dispatch: str, run: str, publisher: int) -> None:
        """The wrapper says how it ended."""
        self.publish([make_report(dispatch, "completed", run)], publisher)

    @rule(batch=st.lists(reports, min_size=1, max_size=4), publisher=st.integers(0, 1))
    def publish(self, batch: list[Report], publisher: int) -> None:
        self.sent.append(batch)
        self.send(batch, publisher)

    @precondition(lambda self: self.sent)
    @rule(data=st.data(), publisher=st.integers(0, 1))
    def resend(self, data: st.DataObject, publisher: int) -> None:
        """Somebody's reply was lost, however long ago, and perhaps it was another's."""
        self.send(data.draw(st.sampled_from(self.sent)), publisher)

    def send(self, batch: list[Report], publisher: int) -> None:
        while (replies := self.subject.publish(batch, publisher)) is None:
            # The list was old, or has just become so.
            before = set(self.model.groups)
            if self.subject.was_current:
                assert self.model.retire()
            for group in before - set(self.model.groups):
                self.ledger.forgive_group(group)
            assert set(self.subject.lists[publisher].names) == set(self.model.groups)
            self.model.version = self.subject.version = self.subject.lists[publisher].version
        assert not self.model.unconsumed & set(self.model.groups)
        for report, reply in zip(batch, replies, strict=True):
            assert reply == self.model.publish(report)
            if reply[0] == "ok" and report.state in {"completed", "failed"}:
                self.ledger.accept(report.dispatch, self.model.groups)

    # Consumers.

    @rule(group=one_group, dispatches=st.lists(one_dispatch, min_size=1, max_size=3))
    def begin(self, group: str, dispatches: list[str]) -> None:
        begun = self.subject.begin(group, [Wanted(dispatch, with_document=True) for dispatch in dispatches])
        for dispatch, reply in zip(dispatches, begun, strict=True):
            expected = self.model.begin(group, dispatch)
            if reply.status != "ok":
                assert (reply.status,) == expected
                continue
            assert (reply.status, reply.tries, reply.verdict.decode(), reply.document.decode()) == expected
            self.model.records[dispatch].leases[group].fence = reply.fence
            self.ledger.lease(group, dispatch, reply.fence)
            self.tokens.append((group, dispatch, reply.fence))

    @precondition(lambda self: any(self.model.owing()))
    @rule(data=st.data(), is_over=st.booleans())
    def begin_owed(self, data: st.DataObject, is_over: bool) -> None:
        """Somebody takes what the queue holds, perhaps when the time of who had it is over."""
        group, dispatch = data.draw(st.sampled_from(sorted(self.model.owing())))
        if is_over:
            self.lapse(group, dispatch)
        self.begin(group, [dispatch])

    @rule(group=one_group)
    def read_log(self, group: str) -> None:
        """Read the log from its start, as a group does that has lost its place."""
        for dispatch, state, entry in self.subject.log():
            if state in {"completed", "failed"}:
                self.begin(group, [dispatch])
                continue
            (reply,) = self.subject.begin(group, [Wanted(dispatch, f"{entry[0]}-{entry[1]}")])
            assert reply.status == self.model.begin_progress(group, dispatch, entry)[0]
            if reply.status == "ok":
                self.ledger.tell(group, dispatch, entry)

    @precondition(lambda self: self.tokens)
    @rule(data=st.data(), act=st.sampled_from(("renew", "release", "give_back", "commit", "commit", "dead")))
    def settle(self, data: st.DataObject, act: str) -> None:
        """Any lease that anybody ever had: the newest, or that of a consumer who was thought dead."""
        group, dispatch, fence = data.draw(st.sampled_from([*self.tokens, *self.tokens[-3:]]))
        expected = self.expect(act, group, dispatch, fence)
        assert self.settled(act, group, dispatch, fence) == expected
        if expected == "ok" and act in {"commit", "dead"}:
            self.ledger.settle(group, dispatch)

    def expect(self, act: str, group: str, dispatch: str, fence: int) -> str:
        match act:
            case "renew":
                return self.model.renew(group, dispatch, fence)
            case "commit" | "dead":
                return self.model.settle(group, dispatch, fence, act[0])
        is_put_off = act == "release"
        return self.model.release(group, dispatch, fence, is_put_off=is_put_off, refund=not is_put_off)

    def settled(self, act: str, group: str, dispatch: str, fence: int) -> str:
        match act:
            case "renew":
                return self.subject.renew(group, Held(dispatch, fence))
            case "commit":
                return self.subject.commit(group, Held(dispatch, fence))
            case "dead":
                return self.subject.dead(group, DeadLetter(dispatch, fence, "no"))
            case "release":
                return self.subject.release(group, Release(dispatch, fence, delay_ms=3_600_000))
        return self.subject.release(group, Release(dispatch, fence, refund=True))

    # Groups.

    @rule(group=one_group, dispatch=one_dispatch, choice=st.integers(0, 3))
    def manage(self, group: str, dispatch: str, choice: int) -> None:
        """What can be done with a group that is registered, or with one that is not."""
        if group in self.model.groups:
            if choice == 0:
                self.remove_group(group)
            elif choice == 1:
                self.leave(group)
            else:
                self.owe(group, dispatch)
        elif choice == 0:
            self.drop(group, dispatch)
        elif choice == 1:
            self.owe(group, dispatch)
        else:
            self.add_group(group)

    def add_group(self, group: str) -> None:
        reply = self.subject.add_group(group)
        expected = grouping.add(self.model, group)
        assert (reply.status, *([reply.count] if reply.status == "ok" else [])) == expected
        self.model.groups[group] = reply.registered_at
        self.model.version = self.subject.version = str(reply.version)

    def remove_group(self, group: str) -> None:
        reply = self.subject.remove_group(group)
        assert (reply.status, reply.count) == grouping.remove(self.model, group)
        self.model.version = self.subject.version = str(reply.version)

    def owe(self, group: str, dispatch: str) -> None:
        reply = self.subject.owe(group, dispatch)
        assert reply == grouping.owe(self.model, group, dispatch)
        if reply == "ok":
            self.ledger.owe(group, dispatch)

    def drop(self, group: str, dispatch: str) -> None:
        reply = self.subject.drop(group, dispatch)
        assert reply == grouping.drop(self.model, group, dispatch)
        if reply == "ok":
            self.ledger.forgive(group, dispatch)

    def leave(self, group: str) -> None:
        """The retention passes without a sign of the group's consumers."""
        self.subject.unconsume(group)
        self.model.unconsumed.add(group)

    # Time and loss.

    @rule(group=one_group, dispatch=one_dispatch)
    def lapse(self, group: str, dispatch: str) -> None:
        """The time of a lease or a delay passes."""
        record = self.model.records.get(dispatch)
        lease = record.leases.get(group) if record else None
        if lease and not lease.is_settled and dispatch in self.model.queue(group):
            lease.is_live = False
            self.subject.lapse(group, dispatch)

    @rule(dispatch=one_dispatch, what=st.sampled_from(("log", "entries", "old", "old", "all")))
    def lose(self, dispatch: str, what: str) -> None:
        if what == "all":
            self.flush()
        elif what == "old":
            self.age(dispatch)
        else:
            self.subject.lose_log(what)

    def age(self, dispatch: str) -> None:
        """The retention passes over a dispatch: nobody touched it, and no living group is owed it."""
        if not any(dispatch == owed for _, owed in self.model.owing()):
            self.model.records.pop(dispatch, None)
            self.subject.age(dispatch)
            self.ledger.lose(dispatch)

    def flush(self) -> None:
        """The server loses everything."""
        self.subject.flush()
        self.model = Model()
        self.ledger.lose_all()

    # What must always hold.

    @invariant()
    def the_server_is_as_the_model(self) -> None:
        state = self.subject.state(DISPATCHES, GROUPS)
        assert state.records == {dispatch: self.model.summary(dispatch) for dispatch in DISPATCHES}
        assert state.todo == {group: self.model.queue(group) for group in GROUPS}
        assert state.done == self.model.done
        assert state.open == set(self.model.open)
        assert state.without_age - {"cfg"} == {f"todo:{group}" for group in self.model.groups if state.todo[group]}

    def teardown(self) -> None:
        """A consumer who does nothing special finds all that is owed, and then there is nothing left."""
        for group in list(self.model.groups):
            for dispatch in sorted(self.subject.state(DISPATCHES, GROUPS).todo[group]):
                self.lapse(group, dispatch)
                self.begin(group, [dispatch])
                if self.model.queue(group) & {dispatch}:
                    token = self.tokens[-1]
                    assert self.settled("commit", *token) == self.expect("commit", *token) == "ok"
                    self.ledger.settle(group, dispatch)
            assert self.subject.state(DISPATCHES, GROUPS).todo[group] == set()
            assert self.ledger.owed_to(group) == set()
        self.the_server_is_as_the_model()
        self.ledger.check()
        self.subject.flush()


@pytest.mark.timeout(400)  # hypothesis takes up to five minutes to find the shortest history that fails
def test_any_history_keeps_the_promises(valkey: Server) -> None:
    """In any history one ending is accepted for a dispatch, each group commits it once, and nothing owed is lost."""
    run_state_machine_as_test(lambda: Histories(valkey), settings=MANY)  # type: ignore[arg-type]
