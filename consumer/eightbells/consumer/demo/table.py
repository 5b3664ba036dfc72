"""How the demo shows what happens: a table that is drawn again in place, or a line an ending where nobody watches."""

import sys
from typing import TextIO

from eightbells.consumer.demo.cases import Case
from eightbells.consumer.demo.ledger import Ledger
from eightbells.events.schema import Data

HEADER = f"{'DISPATCH':<14}{'COMMAND':<20}{'STATE':<12}{'CODE':<20}{'EXIT':>5}  {'OUTPUT':>10}  {'TO HANDLER':>10}"


class Table:
    """Shows the special dispatches one by one, and the ordinary ones as a count."""

    def __init__(self, cases: tuple[Case, ...], ledger: Ledger, out: TextIO = sys.stdout) -> None:
        self._cases = cases
        self._ledger = ledger
        self._out = out
        self._is_live = out.isatty()
        self._drawn = 0
        self._printed: set[str] = set()

    def draw(self) -> None:
        """Show what is new."""
        if self._is_live:
            self._redraw()
        else:
            self._append()

    def _redraw(self) -> None:
        lines = [HEADER, *(self._line(one) for one in self._cases if not is_ordinary(one)), self._count()]
        up = f"\x1b[{self._drawn}F" if self._drawn else ""
        self._out.write(up + "".join(f"\x1b[K{line}\n" for line in lines))
        self._out.flush()
        self._drawn = len(lines)

    def _append(self) -> None:
        if not self._printed:
            self._out.write(HEADER + "\n")
            self._printed.add("")
        for one in self._cases:
            if one.dispatch in self._ledger.endings and one.dispatch not in self._printed and not is_ordinary(one):
                self._printed.add(one.dispatch)
                self._out.write(self._line(one) + "\n")
        if self._all_ordinary_ended and "ordinary" not in self._printed:
            self._printed.add("ordinary")
            self._out.write(self._count() + "\n")
        self._out.flush()

    @property
    def _all_ordinary_ended(self) -> bool:
        return all(one.dispatch in self._ledger.endings for one in self._cases if is_ordinary(one))

    def _line(self, one: Case) -> str:
        ending = self._ledger.endings.get(one.dispatch)
        state = self._ledger.states.get(one.dispatch, "started")
        columns = describe(ending.event.data) if ending else f"{'':<20}{'':>5}  {'':>10}"
        latency = self._ledger.latencies_ms.get(one.dispatch)
        return f"{one.dispatch:<14}{one.shows:<20}{state:<12}{columns}  " + (f"{latency:>7.1f} ms" if latency else "")

    def _count(self) -> str:
        ordinary = [one for one in self._cases if is_ordinary(one)]
        ended = sum(one.dispatch in self._ledger.endings for one in ordinary)
        return f"{'ordinary-*':<14}{'exits 0 or 1':<20}{ended} of {len(ordinary)} ended"


def is_ordinary(one: Case) -> bool:
    """Whether a case is one of the many."""
    return one.dispatch.startswith("ordinary")


def describe(data: Data) -> str:
    """Return the columns that an ending fills."""
    written = sum(stream.total_bytes for stream in (data.stdout, data.stderr) if stream)
    exit_code = "-" if data.exit_code is None else data.exit_code
    return f"{data.code or '':<20}{exit_code:>5}  {written:>10,}"
