"""What happens once in a thousand times: `make endurance` plays so many rounds. `make test` has each with fewer."""

import json
from collections import Counter
from contextlib import closing
from typing import Any

import pytest
from eightbells.events.contract import keys

from tests.servers.server import Server
from tests.wrapper.rounds import play
from tests.wrapper.test_pid_one import UNSHARE, reason_against
from tests.wrapper.wrapping import AS_SUBREAPER, NAMESPACE, PYTHON, Dispatch, Wrapping

ROUNDS = 500
"""Of each command as PID 1, and as many as an ordinary child."""

COME_AND_GO = "i=0; while [ $i -lt 100 ]; do (: &); i=$((i+1)); done; exit 7"
"""Each subshell leaves an orphan behind, most of which are dead before the command is."""

AT_ONCE = """
import posix
source, sink = posix.pipe()
if not posix.fork():
    posix.close(sink)
    for _ in range(50):
        if not posix.fork():
            posix.read(source, 1)
            posix._exit(3)
    posix._exit(0)
posix.wait()
posix._exit(7)
"""
"""Fifty orphans, which are the wrapper's children as the command is, wait for its end, which ends them."""

pytestmark = [pytest.mark.endurance, pytest.mark.timeout(600)]
COMMANDS = pytest.mark.parametrize(
    "command", [("sh", "-c", COME_AND_GO), (*PYTHON, AT_ONCE)], ids=["come and go", "at once"]
)


@COMMANDS
def test_no_code_is_lost_among_a_hundred_of_the_commands_orphans(
    valkey: Server, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    """Beside orphans that come and go, or fifty that die as it does, `exit 7` is 7 each time, also for the bus."""

    def once(number: int) -> int:
        with closing(Dispatch(valkey, f"d{number}")) as dispatch:
            return dispatch.run(*command, prefix=AS_SUBREAPER).exit_code

    assert Counter(play(ROUNDS, once, capsys)) == {7: ROUNDS}
    client: Any = valkey.client()
    verdicts = [client.hget(keys.record(NAMESPACE, f"d{number}"), "v") for number in range(ROUNDS)]
    assert Counter(verdict and json.loads(verdict)["exit_code"] for verdict in verdicts) == {7: ROUNDS}


@COMMANDS
@pytest.mark.skipif(bool(reason_against()), reason=reason_against() or "-")
def test_pid_1_loses_no_code_either(capsys: pytest.CaptureFixture[str], command: tuple[str, ...]) -> None:
    """The same as the first process of a namespace, whose orphans the kernel brings."""

    def once(_: int) -> int:
        with closing(Wrapping({})) as init:
            return init.run(*command, prefix=UNSHARE).exit_code

    assert Counter(play(ROUNDS, once, capsys)) == {7: ROUNDS}
