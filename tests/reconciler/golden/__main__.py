"""Write what is said of each dump into its file."""

from tests.reconciler.golden import CASES, DIRECTORY, write_text

for name in CASES:
    (DIRECTORY / f"{name}.txt").write_text(write_text(name))
