"""What the wrapper holds in memory beside a command: while it waits, and after a GiB of its output has passed.

One program runs at a time: the pages of files are shared with nobody who is measured, as in a container of its own.
"""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from subprocess import DEVNULL, Popen

from msgspec import Struct

from bench.bus import prepare_group
from bench.figures import Figure, Table, ratios
from bench.parenting import LIMIT, PLAIN, ending, let_go, reporting, start, wait_for_events
from bench.programs import Program, Programs
from bench.progress import say
from bench.secure import reason_against, serve_securely
from bench.servers import Server

GIB = 1 << 30
COMMAND = ("/bin/sh", "-c", f"read line || exit; head -c {GIB} /dev/zero; echo done; exec cat >/dev/null")
SLEEP = (
    "import posix; posix.waitpid(posix.posix_spawn('/bin/cat', ['cat'], posix.environ, "
    "file_actions=[(posix.POSIX_SPAWN_OPEN, 1, '/dev/null', 1, 0)]), 0)"
)
SETTLE_SECONDS = 0.3
"""What is left to do once `running` is on the log: a record to write, a reply to read."""

OVER_TLS = "PSS MB with rediss://"
TARGET = "≤ 11 MB PSS, flat; ≤ 16 with rediss://"
FORBIDDEN = "the memory of a process that hides it is root's to read: run as root"


class Held(Struct, frozen=True):
    """Megabytes: `pss` with a share of what others map, too, `private` without it."""

    pss: float
    private: float


def measure(server: Server, programs: Programs, rounds: int) -> Table:
    """Measure the interpreter alone and the wrapper in both forms, once a round."""
    floors: list[Held] = []
    idle: dict[Program, list[Held]] = {one: [] for one in programs.wrappers}
    after: dict[Program, list[Held]] = {one: [] for one in programs.wrappers}
    can_read = os.geteuid() == 0
    for number in range(rounds):
        say(f"footprint: memory, {number} of {rounds}")
        floors.append(hold_nothing(programs.script(SLEEP)))
        for one in programs.wrappers if can_read else ():
            if not one.absent:
                before, later = hold_command(server, one)
                idle[one].append(before)
                after[one].append(later)
    server.clear()
    rows = [describe(programs.python, floors, [])]
    rows += [describe(one, idle[one], after[one], floors, can_read=can_read) for one in programs.wrappers]
    rows[1] |= hold_securely(programs.runtime, rounds) if can_read else {}
    rows[1]["target"] = TARGET  # the runtime's; what pip installs runs on an interpreter of somebody else's
    return Table("Footprint: memory", notes(server, programs), tuple(rows))


def hold_securely(program: Program, rounds: int) -> dict[str, Figure | str]:
    """Measure a wrapper that reports over TLS, to a server that is there for it alone, once a round."""
    if program.absent or reason_against():
        return {OVER_TLS: reason_against()}
    with serve_securely() as secure:
        say("footprint: memory, rediss://")
        return {
            OVER_TLS: Figure(tuple(hold_command(secure.server, program, secure.told)[0].pss for _ in range(rounds)))
        }


def hold_nothing(program: Program) -> Held:
    """Measure an interpreter that waits for its child."""
    with ending(start(program.words, PLAIN, DEVNULL)) as process:
        time.sleep(SETTLE_SECONDS)
        return held(process)


def hold_command(server: Server, program: Program, told: Mapping[str, str] | None = None) -> tuple[Held, Held]:
    """Measure a wrapper whose command waits, and once more when it has written a GiB and waits again. It is `told` what
    the server's own URL does not say.
    """
    server.clear()
    prepare_group(server.url)
    with ending(start((*program.words, *COMMAND), reporting(server.url, told))) as process:
        wait_for_events(server, 1)
        time.sleep(SETTLE_SECONDS)
        before = held(process)
        let_go(process)
        swallow(process)
        time.sleep(SETTLE_SECONDS)
        return before, held(process)


def swallow(process: "Popen[bytes]") -> None:
    """Read the command's output up to its last line."""
    assert process.stdout is not None
    until, last = time.monotonic() + LIMIT, b""
    while not last.endswith(b"done\n"):
        assert time.monotonic() < until, f"the output had not passed after {LIMIT} s"
        last = last[-5:] + os.read(process.stdout.fileno(), 1 << 20)


def held(process: "Popen[bytes]") -> Held:
    """Read what the kernel says of a process: smaps_rollup of proc(5)."""
    text = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
    sizes = {line.split(":")[0]: int(line.split()[1]) * 1024 / 1e6 for line in text.splitlines()[1:]}
    return Held(sizes["Pss"], sizes["Private_Clean"] + sizes["Private_Dirty"])


def describe(
    program: Program, idle: list[Held], after: list[Held], floors: list[Held] | None = None, *, can_read: bool = True
) -> dict[str, Figure | str]:
    absent = program.absent or ("" if can_read else FORBIDDEN)
    if absent:
        return {"what": f"{program.name}: {absent}"}
    row: dict[str, Figure | str] = {"what": program.name}
    for when, all_held in (("", idle), (" after 1 GiB", after)):
        if all_held:
            row[f"PSS MB{when}"] = Figure(tuple(one.pss for one in all_held))
            row[f"private MB{when}"] = Figure(tuple(one.private for one in all_held))
    if floors:
        row["PSS of the interpreter"] = ratios([one.pss for one in idle], [one.pss for one in floors])
    return row


def notes(server: Server, programs: Programs) -> tuple[str, ...]:
    return (
        f"the wrapper alone, not its command; reporting to {server.name}, without TLS but in one column",
        "the reader of its output is here and keeps up",
        "of the console script PSS leaves out what other Python programs of this machine share with it",
        *programs.notes,
    )
