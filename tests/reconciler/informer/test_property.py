"""Whatever changes and whatever goes wrong in whatever order, the cache is what a fresh list would say, and each object
that was seen and vanished was announced as often as it did.

Hypothesis makes up histories of a stage: objects that come, change, go and swap names, streams that end in every way,
lists that fail, compactions, backups. The oracle knows nothing but the objects at the moments when all was quiet.
"""

import shutil
import tempfile
from collections import Counter
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from tests.reconciler.informer.breaking import ENDS, RESET, Refusal
from tests.reconciler.informer.lookout import FAST, looking, there
from tests.reconciler.informer.objects import job_dict, pod_dict, running, terminated, waiting
from tests.reconciler.informer.stage import Stage

kinds = st.sampled_from(("jobs", "pods"))
numbers = st.integers(0, 3)
statuses = st.sampled_from((waiting("ErrImagePull"), running(), terminated(0, "Completed"), terminated(137)))
watch_faults = st.sampled_from((*ENDS, *map(Refusal, (401, 403, 410, 429, 500, 503))))
list_faults = st.sampled_from((RESET, *map(Refusal, (401, 403, 410, 429, 500, 503))))

FEW = settings(
    max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck), database=None
)
MANY = settings(FEW, max_examples=150, stateful_step_count=60)


class Histories(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self._open = ExitStack()
        directory = Path(tempfile.mkdtemp())
        self._open.callback(shutil.rmtree, directory)
        self.stage = self._open.enter_context(Stage().serving())
        self.lookout = self._open.enter_context(looking(self.stage, directory, timings=FAST))
        self.serial = count()
        self.uids: dict[tuple[str, int], str] = {}
        self.backup = self.stage.backup()
        self.seen: set[str] = set()
        self.expected: Counter[str] = Counter()
        self.deleted: set[str] = set()

    # Objects: a name is made of a number, and a UID is never used twice, whatever is restored.

    def uid(self, kind: str, number: int) -> str:
        return self.uids.setdefault((kind, number), f"{kind}-{number}-{next(self.serial)}")

    def write(self, kind: str, number: int, status: dict[str, Any]) -> None:
        uid = self.uid(kind, number)
        if kind == "jobs":
            self.stage.put(kind, job_dict(uid, f"job-{number}", status={"ready": len(str(status)) % 7}))
        else:
            self.stage.put(kind, pod_dict(uid, self.uid("jobs", number), status, metadata={"name": f"pod-{number}"}))

    def vanish(self, kind: str, number: int) -> None:
        uid = self.uids.get((kind, number), "")
        if uid in self.stage.objects[kind]:
            self.stage.delete(kind, uid)
            self.deleted.add(uid)
            del self.uids[kind, number]

    @rule(kind=kinds, number=numbers, status=statuses)
    def change(self, kind: str, number: int, status: dict[str, Any]) -> None:
        self.write(kind, number, status)

    @rule(kind=kinds, number=numbers)
    def delete(self, kind: str, number: int) -> None:
        self.vanish(kind, number)

    @rule(kind=kinds, number=numbers, status=statuses)
    def swap(self, kind: str, number: int, status: dict[str, Any]) -> None:
        """The same name, at once, with another UID."""
        self.vanish(kind, number)
        self.write(kind, number, status)

    # What goes wrong.

    @rule(kind=kinds, how=st.sampled_from(ENDS))
    def cut(self, kind: str, how: str) -> None:
        self.stage.cut(kind, how)

    @rule(kind=kinds, faults=st.lists(watch_faults, min_size=1, max_size=3))
    def break_watches(self, kind: str, faults: list[str | Refusal]) -> None:
        self.stage.fail(kind, "watch", *faults)

    @rule(kind=kinds, faults=st.lists(list_faults, min_size=1, max_size=2))
    def break_lists(self, kind: str, faults: list[str | Refusal]) -> None:
        self.stage.fail(kind, "list", *faults)

    @rule(kind=kinds)
    def bookmark(self, kind: str) -> None:
        self.stage.bookmark(kind)

    @rule(kind=kinds, number=numbers, status=statuses)
    def hide(self, kind: str, number: int, status: dict[str, Any]) -> None:
        """Something happens in a gap, and may be compacted before we look again."""
        with self.stage.gap():
            self.vanish(kind, number)
            self.write(kind, number, status)
            self.stage.compact()

    @rule()
    def relist(self) -> None:
        self.lookout.informer.relist()

    # The oracle.

    @rule()
    def be_quiet(self) -> None:
        """What was seen at a quiet moment and was deleted since has ended once more."""
        self.lookout.wait_until_same(self.stage)
        for uid in self.seen & self.deleted:
            self.expected[uid] += 1
        self.deleted.clear()
        self.seen = set(there(self.stage))

    @rule()
    def take_backup(self) -> None:
        self.be_quiet()
        self.backup = self.stage.backup()

    @rule()
    def restore_backup(self) -> None:
        self.be_quiet()
        version, objects = self.backup
        back = {uid for found in objects.values() for uid in found}
        self.deleted = self.seen - back
        self.stage.restore(version, objects)
        self.uids = {(kind, int(number)): uid for uid in back for kind, number, _ in [uid.split("-")]}
        self.be_quiet()

    def teardown(self) -> None:
        try:
            self.be_quiet()
            assert self.lookout.informer.is_alive
        finally:
            self._open.close()
        ended = self.lookout.ended
        assert {uid: ended[uid] for uid in self.expected} == self.expected
        assert all(times == 1 for uid, times in ended.items() if uid not in self.expected)


@pytest.mark.timeout(120)
def test_nothing_is_missed_and_nothing_announced_twice() -> None:
    """A few histories."""
    run_state_machine_as_test(Histories, settings=FEW)


@pytest.mark.endurance
@pytest.mark.timeout(900)
def test_nothing_is_missed_in_many_histories() -> None:
    """Many, and longer ones."""
    run_state_machine_as_test(Histories, settings=MANY)
