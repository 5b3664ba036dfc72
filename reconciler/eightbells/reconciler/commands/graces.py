"""A grace of an installation's own, as the command line has it."""

import click
from eightbells.cli.durations import DURATION
from eightbells.events.codes import Code
from eightbells.reconciler.graces import ABSENT, PENDING


class Grace(click.ParamType[tuple[Code, float]]):
    """A code and for how long its state must last, written `code=duration`."""

    name = "code=duration"

    def convert(
        self, value: str | tuple[Code, float], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Code, float]:
        """Return the code and the seconds."""
        if isinstance(value, tuple):
            return value
        code, _, text = value.partition("=")
        graced = {one.value: one for one in (*PENDING, *ABSENT)}
        if code not in graced:
            self.fail(f"{code!r} has no grace: the codes that have one are {', '.join(sorted(graced))}", param, ctx)
        return graced[code], float(DURATION.convert(text, param, ctx))
