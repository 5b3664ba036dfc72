"""What a table is made of: figures that were taken several times, and rows that compare them."""

import statistics
from collections.abc import Sequence

from msgspec import Struct


class Figure(Struct, frozen=True):
    """The same thing measured several times; shown as its median, and its range in brackets."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def __str__(self) -> str:
        low, high = show(min(self.values)), show(max(self.values))
        return show(self.median) if low == high else f"{show(self.median)} ({low} to {high})"


class Table(Struct, frozen=True):
    """A title, what has to be known to read it, and rows whose cells have the columns' names as keys."""

    title: str
    notes: tuple[str, ...]
    rows: tuple[dict[str, Figure | str], ...]

    def __str__(self) -> str:
        columns = list(dict.fromkeys(column for row in self.rows for column in row))
        lines = [columns, ["---"] + ["--:"] * (len(columns) - 1)]
        lines += [[str(row.get(column, "")) for column in columns] for row in self.rows]
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return "\n\n".join([f"### {self.title}", table, "\n".join(f"- {note}" for note in self.notes)])


def show(value: float) -> str:
    """Return a number with three significant digits, or with its thousands apart."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> Figure:
    """Return what each round of ours is of theirs in the same round: the machine was the same for both."""
    return Figure(tuple(one / other for one, other in zip(ours, theirs, strict=True)))
