"""docs/drills.md: what was caused, and what a consumer was told of it, as a run of all drills saw it."""

from collections.abc import Sequence
from pathlib import Path

from tests.drills.drill import FORMS, Drill, Form
from tests.drills.ground import GRACES, Outcome
from tests.drills.table import GROUPS, NOT_DONE

PAGE = Path(__file__).resolve().parents[2] / "docs/drills.md"

HEAD = """# Fault drills

Each of these was done to a real Job on a real cluster (Kubernetes {version}, two nodes on one machine), by
`make drills ARGS=--write`, which writes this page (with `--keep FILE`, as here, from several runs). A reconciler runs
and a consumer listens. Each is done twice: to an image that has the wrapper, submitted by the dispatcher (as far as a
dispatch can say it), and to a plain image without anything of ours. Each had one ending, the one that is expected;
what the codes mean is in [faults.md](faults.md).

An entry has code, fault and charge; who told it (the wrapper, or the reconciler, and where that has the wrapper's word
from); and two times in seconds. The first is from the cause (the act, else the command's end, else the submit) until a
watch showed it in a Job or pod; `-` where it shows in Events alone, or had shown before. The second is from the cause
until a handler had the ending. The machine was busy: the times say in what order things come, and no more. In a plain
image the command is process 1, to which a TERM that it does not handle is nothing: it dies when its grace is over.
Whose pod was taken away under the wrapper had the command's output in the ending.

The graces were shortened for this, with `--grace-of`: {graces}.
A Job that has no pod is looked into after 60 s, as always. A pod tolerates for 5 s that its node is lost, instead of
the usual 300. An entry that is empty was not tried.
"""


def write_page(outcomes: Sequence[Outcome], version: str) -> None:
    """Write the page; of every group the drills that were run."""
    graces = ", ".join(f"`{code}={grace}`" for code, grace in GRACES.items())
    lines = [HEAD.format(version=version, graces=graces)]
    for group in GROUPS:
        lines += [f"\n## {group.title}\n", "| what is done | with the wrapper | plain image |", "|---|---|---|"]
        lines += [row(drill, outcomes) for drill in group.drills if any(one.drill is drill for one in outcomes)]
    run = {one.drill.name for one in outcomes}
    left = [one.done for group in GROUPS for one in group.drills if one.name not in run]
    not_run = [f"- {done}: there is a drill, and it was not part of this run" for done in left]
    lines += ["\n## Not done here\n", *not_run, *(f"- {what}: {why}" for what, why in NOT_DONE)]
    PAGE.write_text("\n".join(lines) + "\n")


def row(drill: Drill, outcomes: Sequence[Outcome]) -> str:
    """A drill in a line."""
    return f"| {drill.done} | {' | '.join(entry(drill, form, outcomes) for form in FORMS)} |"


def entry(drill: Drill, form: Form, outcomes: Sequence[Outcome]) -> str:
    """What came of a drill in a form; empty where it was not tried in that one."""
    found = next((one for one in outcomes if one.drill is drill and one.form == form), None)
    data = found.data if found else None
    if found is None or data is None:
        return ""
    charge = {True: ", charged", False: ", free", None: ""}[data.charged]
    fault = f" {data.fault}" if data.fault != "none" else ""
    told = (
        data.reporter if data.via in (None, "reconciler") or data.reporter == "wrapper" else f"reconciler, {data.via}"
    )
    return f"`{data.code}`{fault}{charge}; {told}; {seconds(found.to_status)}, {seconds(found.to_handler)}"


def describe(outcome: Outcome) -> str:
    """An outcome in a line, for a terminal."""
    data = outcome.data
    said = f"{data.code} {data.fault} {data.reporter} {data.via or ''}" if data else "no ending"
    problems = f"  WRONG: {'; '.join(outcome.problems)}" if outcome.problems else ""
    times = f"{seconds(outcome.to_status)} {seconds(outcome.to_handler)}"
    return f"{outcome.drill.name:28} {outcome.form:8} {said:60} {times}{problems}"


def seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
