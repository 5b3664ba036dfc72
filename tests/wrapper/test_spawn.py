"""The command finds everything as it would have without us: environment, arguments, descriptors, signals, place."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.wrapper.wrapping import CONSOLE, PYTHON, WRAPPER, Dispatch, Wrapping

PROBE = """import json, os, sys
status = dict(line.split()[:2] for line in open('/proc/self/status') if len(line.split()) > 1)
print(json.dumps({
    'arguments': sys.argv[1:], 'blocked': status['SigBlk:'], 'ignored': status['SigIgn:'],
    'environment': sorted(open('/proc/self/environ').read().split('\\0')),
    'directory': os.getcwd(), 'umask': status['Umask:'], 'group': os.getpgrp() == os.getpid(),
    'descriptors': sorted(int(n) for n in os.listdir('/proc/self/fd') if os.path.exists(f'/proc/self/fd/{n}')),
}))"""
PROBING = [sys.executable, "-ISc", PROBE]
DEFAULT = "import os, signal\nfor number in (signal.SIGPIPE, signal.SIGXFSZ): signal.signal(number, signal.SIG_DFL)\n"


def probe(wrapping: Wrapping, *arguments: str | bytes, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(wrapping.run(*PROBING, *arguments, **more).stdout)
    return found


def after(code: str) -> tuple[str, ...]:
    """Start what follows after running this code, with the signals that Python changes as they are by default."""
    return (sys.executable, "-c", f"import sys\n{DEFAULT}{code}\nos.execv(sys.argv[1], sys.argv[1:])")


def test_arguments_are_untouched(init: Wrapping) -> None:
    """Empty ones, long ones, ones that look like options or variables: each is passed on as it is."""
    arguments = ["", "-c", "--", "--version", "$HOME $(true)", "a\nb", "ünïcödé", "x" * 120_000, "y" * 80_000]
    assert probe(init, *arguments)["arguments"] == arguments


def test_arguments_need_not_be_text(init: Wrapping) -> None:
    """Bytes that are no UTF-8 reach the command."""
    assert init.run("printf", "%s", b"na\xefve\xff").stdout == b"na\xefve\xff"


def test_the_environment_is_untouched_but_for_ours(dispatch: Dispatch) -> None:
    """The command has every variable it was given, no other, and none of ours."""
    given = {"HOME": "/x", "EMPTY": "", "LC_ALL": "C", "PYTHONPATH": "/p", "EVAL_ID": "e", "EIGHTBELLS": "no prefix"}
    services = {"EIGHTBELLS_SERVICE_HOST": "10.0.0.1", "EIGHTBELLS_PORT_80_TCP": "tcp://10.0.0.1:80"}
    environment = probe(dispatch, env={**given, **services})["environment"]
    expected = {**given, **services, "PATH": os.environ["PATH"]}
    assert environment == sorted(["", *(f"{name}={value}" for name, value in expected.items())])


@pytest.mark.parametrize("program", [WRAPPER, CONSOLE], ids=["runtime", "console"])
@pytest.mark.parametrize("locale", [{}, {"LC_ALL": "C"}, {"LC_CTYPE": "POSIX"}, {"LANG": "xx_YY.latin9"}])
def test_the_locale_is_untouched(init: Wrapping, locale: dict[str, str], program: list[str]) -> None:
    """What our interpreter does about its own locale is not the command's business."""
    environment = probe(init, env=locale, program=program)["environment"]
    assert environment == sorted(["", f"PATH={os.environ['PATH']}", *(f"{k}={v}" for k, v in locale.items())])


def test_no_descriptor_of_ours_leaks_and_none_that_was_given_is_closed(dispatch: Dispatch) -> None:
    """The command has stdin, stdout, stderr and what was inherited beside them."""
    read, write = os.pipe()
    os.set_inheritable(write, True)
    try:
        assert probe(dispatch, pass_fds=(write,))["descriptors"] == [0, 1, 2, write]
    finally:
        os.close(read)
        os.close(write)


def test_signals_are_as_they_were_found(init: Wrapping) -> None:
    """Blocked and ignored signals reach the command as without us; SIGPIPE and SIGXFSZ are as by default."""
    code = "signal.pthread_sigmask(0, {10, 40}); signal.signal(1, signal.SIG_IGN); signal.signal(2, signal.SIG_IGN)"
    ours = probe(init, prefix=after(code))
    direct = json.loads(subprocess.run([*after(code), *PROBING], capture_output=True, check=True).stdout)
    libc = 1 << 31 | 1 << 32  # glibc's posix_spawn ignores the two it keeps for itself, which no program may set
    assert ours["blocked"] == direct["blocked"]
    assert int(ours["ignored"], 16) & ~libc == int(direct["ignored"], 16) & ~libc
    assert int(direct["blocked"], 16) == 1 << 9 | 1 << 39


def test_a_broken_pipe_ends_a_pipeline(init: Wrapping) -> None:
    """SIGPIPE is not ignored: `yes | head` ends."""
    ran = init.run("bash", "-c", "yes | head -n 1 > /dev/null; echo ${PIPESTATUS[0]}")
    assert ran.stdout == b"141\n"


def test_children_that_were_ignored_do_no_harm(init: Wrapping) -> None:
    """A parent that ignored SIGCHLD does not cost the exit code."""
    assert init.run("sh", "-c", "exit 7", prefix=after("signal.signal(signal.SIGCHLD, signal.SIG_IGN)")).exit_code == 7


def test_directory_umask_and_stdin_are_untouched(init: Wrapping, tmp_path: Path) -> None:
    """The command is where we were started, with our umask, and reads what we were given; its group is its own."""
    found = probe(init, cwd=tmp_path, umask=0o027)
    assert (found["directory"], found["umask"], found["group"]) == (str(tmp_path), "0027", True)
    assert init.run("cat", given=b"from \0 outside").stdout == b"from \0 outside"


def test_nothing_but_built_in_modules_is_loaded_before_the_spawn() -> None:
    """At the moment of the spawn nothing is loaded that would cost the command time, and nothing of the bus."""
    tell = """import posix, sys
spawn = posix.posix_spawn
def tell(*words, **more):
    posix.write(1, " ".join(sys.modules).encode())
    return spawn(*words, **more)
posix.posix_spawn = tell
"""
    reporting = {
        "EIGHTBELLS_DISPATCH_ID": "d",
        "EIGHTBELLS_URL": "redis://127.0.0.1:1",
        "EIGHTBELLS_PUBLISH_TIMEOUT": "0",
        "EIGHTBELLS_STREAM": "1",
    }
    loaded = modules([*WRAPPER[:-2], tell + WRAPPER[-2], "--", "true"], reporting)
    bare = modules([*PYTHON, "import sys; print(*sys.modules)"], {})
    ours = {name for name in loaded if name.startswith("eightbells")}
    assert "eightbells.wrapper.spawn" in ours
    assert not ours & {
        f"eightbells.wrapper.{name}"
        for name in ("backlog", "bus", "connection", "document", "live", "reporter", "reports", "target")
    }
    assert loaded - ours - bare == {"__future__", "_ctypes", "errno", "select"}


def modules(command: list[str], environment: dict[str, str]) -> set[str]:
    """The names that this command prints."""
    ran = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, check=True, text=True)
    return set(ran.stdout.split())


def test_the_console_script_is_apart_from_the_users_python(init: Wrapping, tmp_path: Path) -> None:
    """Modules of the user that are named like ours or like Python's are not what the wrapper loads."""
    for name in ("hiredis", "posix", "_json", "_socket", "fcntl"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(99)")
    ran = init.run("sh", "-c", "echo $PYTHONPATH; exit 7", program=CONSOLE, env={"PYTHONPATH": str(tmp_path)})
    assert (ran.exit_code, ran.stdout.decode().strip()) == (7, str(tmp_path))


def test_the_console_script_inherits_orphans(init: Wrapping) -> None:
    """Like PID 1, it is the parent of what the command leaves behind."""
    script = "(sh -c 'sleep 0.2; cut -d\" \" -f4 /proc/$$/stat' &); sleep 0.1; echo $PPID; sleep 1"
    ran = init.run("sh", "-c", script, program=CONSOLE)
    first, second = ran.stdout.split()
    assert first == second
