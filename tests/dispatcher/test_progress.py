"""`submit --file` on a terminal: people see how far it is."""

import os
import pty
import subprocess

from tests.dispatcher.faults import created
from tests.dispatcher.shell import COMMON, EIGHTBELLS, Shell

LINES = '{"id":"a","image":"busybox:1"}\n{"imag":1}\n'


def test_a_terminal_shows_in_one_line_how_many_are_done(shell: Shell) -> None:
    """The line is written anew after each result, and none of it is among the results."""
    shell.api.tell("POST", created)
    person, terminal = pty.openpty()
    try:
        ran = subprocess.run(
            [EIGHTBELLS, "submit", *COMMON, "--file", "-"],
            env=shell.environ,
            input=LINES,
            stdout=subprocess.PIPE,
            stderr=terminal,
            text=True,
            timeout=25,
            check=False,
        )
        shown = os.read(person, 65536).decode()
    finally:
        os.close(person)
        os.close(terminal)

    assert [line.partition(", ")[0] for line in shown.split("\r\x1b[K")] == [
        "",
        *map("eightbells: {} lines".format, (1, 2, 2)),
    ]
    assert shown.endswith("eightbells: 2 lines, 1 submitted, 1 not\r\n")
    assert "eightbells" not in ran.stdout
    assert len(ran.stdout.splitlines()) == 2
