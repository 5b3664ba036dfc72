"""`python -m tests.drills [--write] [--only NAME …]`: cause every fault, print what a consumer was told.

Exits with 1 where an ending was not as expected. `--write` keeps the table as docs/drills.md, where all were.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence, Set
from pathlib import Path

from kubernetes import client

from tests.cluster.run import begin_run, had_cluster
from tests.cluster.shared import end_cluster, join_cluster
from tests.drills.drill import FORMS, Drill, Form
from tests.drills.given import given_images
from tests.drills.ground import Outcome, open_ground
from tests.drills.keeping import keep
from tests.drills.page import PAGE, describe, write_page
from tests.drills.table import GROUPS
from tests.e2e.images import provide_images


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.drills", description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    parser.add_argument("--only", nargs="+", default=[], help="what the names of the drills begin with")
    parser.add_argument(
        "--no-nodes", action="store_true", help="leave out what harms a node: each needs one of its own"
    )
    parser.add_argument("--form", choices=FORMS, action="append", help="wrapped or plain; both unless said")
    parser.add_argument("--record", type=Path, metavar="DIRECTORY", help="write there what ended otherwise")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="keep outcomes there, beside those of earlier runs")
    asked = parser.parse_args()
    ours = begin_run()
    try:
        with tempfile.TemporaryDirectory(prefix="eightbells-drills-", dir="/var/tmp") as directory:
            drills = {one.name for group in GROUPS for one in group.drills if is_wanted(one, asked)}
            outcomes, version = run_all(Path(directory), drills, asked.form or FORMS, asked.record)
    finally:
        if ours and had_cluster(ours):
            print(*end_cluster(ours), sep="\n", end="", file=sys.stderr)
    if asked.keep:
        outcomes = keep(outcomes, asked.keep)
    if asked.write and not any(one.problems for one in outcomes):
        write_page(outcomes, version)
    return 1 if any(one.problems for one in outcomes) else 0


def run_all(
    directory: Path, wanted: Set[str], forms: Sequence[Form], recorded: Path | None
) -> tuple[list[Outcome], str]:
    """Group by group, both forms of each; print an outcome as soon as its group is over. And the cluster's version."""
    cluster, found = join_cluster(), list[Outcome]()
    version = str(client.VersionApi(cluster.api).get_code().git_version).removeprefix("v")
    images = given_images() or provide_images(cluster, directory)
    for group in GROUPS:
        for form in forms:
            drills = [one for one in group.drills if one.name in wanted and one.expected(form)]
            if not drills:
                continue
            with open_ground(cluster, images, recorded or directory, drills, form) as (ground, cases):
                for outcome in ground.run(cases, recorded):
                    print(describe(outcome), flush=True)
                    found.append(outcome)
    cluster.close()
    return found, version


def is_wanted(drill: Drill, asked: argparse.Namespace) -> bool:
    named = not asked.only or any(drill.name.startswith(name) for name in asked.only)
    return named and not (asked.no_nodes and drill.needs_node)


sys.exit(main())
