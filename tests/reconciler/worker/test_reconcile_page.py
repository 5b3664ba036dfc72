"""docs/reconcile.md has every option and every metric, and no other."""

import re
from pathlib import Path

from eightbells.reconciler.commands.reconcile import reconcile
from eightbells.reconciler.worker.metrics import PREFIX, Metrics

from tests.reconciler.worker.test_health import FIGURES

PAGE = (Path(__file__).resolve().parents[3] / "docs/reconcile.md").read_text()


def test_the_options_are_all_there() -> None:
    """The table has every option of the command."""
    table = PAGE.partition("## Options")[2].partition("It stops on")[0]
    told = set(re.findall(r"`(--[a-z-]+)`", table.partition("|---|---|")[2]))
    assert told == {name for option in reconcile.params for name in option.opts if name.startswith("--")}


def test_the_metrics_are_all_there() -> None:
    """The table has every metric, by the name that Prometheus sees."""
    metrics = Metrics()
    metrics.watch(lambda: FIGURES)
    families = {
        family.name.removeprefix(f"{PREFIX}_") + ("_total" if family.type == "counter" else "")
        for family in metrics.registry.collect()
    }
    told = set()
    for row in re.findall(r"^\| (`.*?) \| ", PAGE.partition("/metrics`, each")[2], re.MULTILINE):
        told |= set(re.findall(r"`([a-z_]+)`", row))
    assert told == families
