"""Write the Job of each case into its file."""

from tests.dispatcher.golden import CASES, DIRECTORY, write_text

for name in CASES:
    (DIRECTORY / f"{name}.yaml").write_text(write_text(name))
