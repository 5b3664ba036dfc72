"""Durations as people write them: `500ms`, `30s`, `5m`, `2h`, `7d`; a bare number is seconds."""

import re

import click

_UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|)")


class Duration(click.ParamType[float]):
    """A duration on the command line; its value is seconds."""

    name = "duration"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds, or say what a duration looks like."""
        if isinstance(value, int | float):
            return float(value)
        match = _DURATION.fullmatch(value.strip())
        if not match:
            self.fail(f"{value!r} is not a duration: write 500ms, 30s, 5m, 2h or 7d", param, ctx)
        return float(match[1]) * _UNITS[match[2]]


DURATION = Duration()
