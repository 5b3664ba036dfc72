"""A drill: a Job, what is done to it, and the ending that its consumer has to be told. Values alone."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from eightbells.events.contract.codes import CODES
from eightbells.events.schema import Data

from tests.cluster.behaviour import Behaviour

if TYPE_CHECKING:
    from tests.drills.case import Case
    from tests.e2e.site import Site

Form = Literal["wrapped", "plain"]
"""With our wrapper as the image's ENTRYPOINT, and a plain image without anything of ours."""

FORMS: tuple[Form, ...] = ("wrapped", "plain")


@dataclass(frozen=True)
class Ending:
    """What is expected of an ending. Fault and charge are those of its code, unless said; what is None is not asked."""

    code: str
    fault: str | None = None
    charged: bool | None = None
    exit_code: int | None = None
    cause: str | None = None
    output: str | None = None
    warning: str | None = None
    attempts: int | None = None
    may_still_run: bool | None = None

    def differences(self, data: Data) -> list[str]:
        """In a line each, what of it was not so."""
        fault, _, charged = CODES[self.code]
        wanted = {
            "code": self.code,
            "fault": self.fault or fault,
            "charged": charged if self.charged is None else self.charged,
            **{name: getattr(self, name) for name in ("exit_code", "cause", "may_still_run")},
            "attempts": self.attempts,
            "output": self.output,
        }
        seen = {name: getattr(data, name, None) for name in wanted}
        seen |= {"attempts": len(data.attempts), "output": data.stdout.tail if data.stdout else None}
        found = [f"{name} is {seen[name]}" for name, value in wanted.items() if value not in (None, seen[name])]
        if self.warning and not any(self.warning in one for one in data.warnings):
            found.append(f"no warning {self.warning}, but {data.warnings}")
        return found


@dataclass(frozen=True, kw_only=True)
class Drill:
    """One of them. `done` is what the table of the documentation says is done.

    The Job is what the dispatcher makes of `script` (or `command`), `fields` and the template's parts `spec`, `pod`,
    `main`; `raw` are changes to the finished Job ("job", "pod", "main") that no dispatch can say. `ours` is how it ends
    with the wrapper, `plain` without, where that is another ending, or not to be tried.
    """

    name: str
    done: str
    ours: Ending | None
    plain: Ending | Literal["same"] | None = "same"
    script: str = "exit 0"
    command: tuple[str, ...] = ()
    image: str = ""
    registry: Behaviour | None = None
    failures: int | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    spec: Mapping[str, Any] = field(default_factory=dict)
    pod: Mapping[str, Any] = field(default_factory=dict)
    main: Mapping[str, Any] = field(default_factory=dict)
    raw: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    act: "Callable[[Case], None] | None" = None
    labels: Mapping[str, str] | None = None
    prepare: "Callable[[Site, ExitStack], None] | None" = None
    needs_node: bool = False
    is_slow: bool = False

    @property
    def is_alone(self) -> bool:
        """Whether it has a namespace of its own."""
        return bool(self.labels or self.prepare)

    def expected(self, form: Form) -> Ending | None:
        """The ending in a form; None where it is not tried in that one."""
        return self.ours if form == "wrapped" or self.plain == "same" else self.plain


@dataclass(frozen=True)
class Group:
    """Drills of one kind."""

    title: str
    drills: tuple[Drill, ...]
