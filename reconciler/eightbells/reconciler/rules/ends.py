"""One container's end, with what is around it: what the rules of number 6 look at."""

from collections.abc import Callable
from typing import Any, Literal

from eightbells.events.codes import Code
from eightbells.events.schema import Data, Evidence
from eightbells.reconciler.case import Case
from eightbells.reconciler.objects import Pod, Terminated
from eightbells.reconciler.snapshot import Sighting
from eightbells.reconciler.times import timestamp
from eightbells.reconciler.verdict import Finding, fact, find
from msgspec import Struct


class End(Struct, frozen=True, kw_only=True):
    """How a container of a pod ended; `report` is the wrapper's word, about main alone."""

    case: Case
    sighting: Sighting
    name: str
    ended: Terminated
    where: Literal["state", "lastState"] = "state"
    kind: Literal["containerStatuses", "initContainerStatuses"] = "containerStatuses"
    report: Data | None = None

    @property
    def pod(self) -> Pod:
        """The pod, as it was last seen."""
        return self.sighting.pod

    @property
    def exit_code(self) -> int:
        """255 where the kubelet said none."""
        return 255 if self.ended.exit_code is None else self.ended.exit_code

    @property
    def is_main(self) -> bool:
        """Whether it is the command's own container."""
        return self.name == self.case.main

    def evidence(self, field: str = "exitCode") -> Evidence:
        """Return what the container's status says."""
        values = {"exitCode": self.ended.exit_code, "reason": self.ended.reason, "message": self.ended.message}
        path = f"status.{self.kind}[{self.name}].{self.where}.terminated.{field}"
        return fact(f"pod {self.pod.name}", path, values[field], self.ended.finished_at)

    def find(self, code: Code, rule: str, explanation: str, **more: Any) -> Finding:
        """Return a finding about this end, with all that is known of it."""
        return find(code, rule, explanation, **self._known(code) | more)

    def _known(self, code: Code) -> dict[str, Any]:
        report = self.report
        signal = report.signal if report else None
        return {
            "exit_code": None if code == Code.START_ERROR and self.exit_code == 128 else self.ended.exit_code,
            "signal": signal,
            "message": (report.message if report else None) or self.message,
            "terminated_by": report.terminated_by if report else None,
            "started_at": (report.started_at if report else None) or timestamp(self.ended.started_at),
            "finished_at": (report.finished_at if report else None) or timestamp(self.ended.finished_at),
            "evidence": (self.evidence("reason"), self.evidence()),
            "pod": self.pod.name,
            "pod_uid": self.pod.uid,
            "container": self.name,
            "report": report,
        }

    @property
    def message(self) -> str | None:
        """What the kubelet or the command left as a message; a record of ours is no message."""
        text = (self.ended.message or "").strip()
        return None if not text or text.startswith('{"code":') else text


EndRule = Callable[[End], Finding | None]
