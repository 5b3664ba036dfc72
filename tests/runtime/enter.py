"""Enters a root file system as a container's runtime would and executes a program there: `enter.py SETTINGS WORDS…`.

Run as PID 1 of new mount and process namespaces. The program gets exactly the environment that the settings say, after
the wrapper's own variables: so that what would harm this machine's programs can be in it.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 24, 38
HIGHEST_CAPABILITY = 63
VERSION_3 = 0x20080522
LIBC = ctypes.CDLL(None, use_errno=True)


def main(settings: dict[str, Any], more: list[str]) -> None:
    """Mount, enter, give up what a container does not have, and execute the words of the settings and these."""
    root = settings["root"]
    mount("--bind", root, root)
    mount("--bind", settings["runtime"], f"{root}/eightbells")
    mount("-t", "proc", "proc", f"{root}/proc")
    for options, place in settings["mounts"]:
        mount(*options, f"{root}{place}")
    if settings["is_read_only"]:
        mount("-o", "remount,bind,ro", f"{root}/eightbells")
        mount("-o", "remount,bind,ro", root)
    os.chroot(root)
    os.chdir("/")
    if settings["user"] is not None:
        give_up_rights(settings["user"])
    set_signals(settings["blocked"], settings["ignored"])
    own = [f"{name}={value}" for name, value in os.environ.items() if name.startswith("EIGHTBELLS_")]
    execute([*settings["words"], *more], [*own, *settings["environment"]])


def mount(*words: str) -> None:
    """Run the program, which says why when it fails."""
    subprocess.run(["mount", *words], check=True)


def give_up_rights(user: int) -> None:
    """Become this user without a single capability, now and after any exec."""
    for capability in range(HIGHEST_CAPABILITY + 1):
        LIBC.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    header, nothing = (ctypes.c_uint32 * 2)(VERSION_3, 0), (ctypes.c_uint32 * 6)()
    if LIBC.capset(header, nothing):
        raise OSError(ctypes.get_errno(), "capset")


def set_signals(blocked: list[int], ignored: list[int]) -> None:
    """Leave the signals as a parent might, and without what this interpreter did to them."""
    for ours in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT):
        signal.signal(ours, signal.SIG_DFL)
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def execute(words: list[str], environment: list[str]) -> None:
    """execve(2) itself: the interpreter's own would refuse an environment that is not one of pairs."""
    argv, strings = (list(map(os.fsencode, each)) for each in (words, environment))
    LIBC.execve(argv[0], strings_of(argv), strings_of(strings))
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), words[0])


def strings_of(strings: list[bytes]) -> Any:
    """A C array of strings, ended as execve wants it."""
    return (ctypes.c_char_p * (len(strings) + 1))(*strings, None)


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()), sys.argv[2:])
