"""Who attacks: commands with the rights that containers give, started by a wrapper that has the same rights.

Each is the words that come before the wrapper's own. They need root, and namespaces.
"""

import atexit
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from eightbells.wrapper.console import find_paths

from tests.wrapper.wrapping import START

CONTAINER = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
"""Makes what follows the first process of a PID namespace, as in a container."""

USER = 2_054_321
DEFAULT = (
    "chown,dac_override,fowner,fsetid,kill,setgid,setuid,setpcap,net_bind_service,net_raw,sys_chroot,mknod,audit_write,"
    "setfcap"
)
"""What Docker and containerd leave to root."""


def root_with(capabilities: str) -> tuple[str, ...]:
    """Root whose capabilities are these, for good."""
    return ("setpriv", "--inh-caps", "-all", "--bounding-set", "-all,+" + capabilities.replace(",", ",+"), "--")


AS_USER = ("--reuid", str(USER), "--regid", str(USER), "--clear-groups")
NOBODY = ("setpriv", *AS_USER, "--inh-caps", "-all", "--bounding-set", "-all", "--no-new-privs", "--", "env")
"""A random user with `drop ALL` and no privilege escalation; what setpriv itself starts, it still finds as root."""

ROOT = root_with(DEFAULT)
BARE_ROOT = ("setpriv", "--inh-caps", "-all", "--bounding-set", "-all", "--no-new-privs", "--")
"""Root with `drop ALL`."""

TRACER = root_with(DEFAULT + ",sys_ptrace")

PLACES = "/usr/bin:/usr/local/bin"


def lay_out() -> Path:
    """Copy the wrapper, hiredis and the attacks to where any user may read them, which a checkout need not be."""
    directory = Path(tempfile.mkdtemp(prefix="eightbells-test-", dir="/tmp"))
    atexit.register(shutil.rmtree, directory)
    ours, *others = find_paths()
    shutil.copytree(f"{ours}/eightbells", directory / "eightbells", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(f"{next(iter(others), ours)}/hiredis", directory / "hiredis")
    shutil.copy(Path(__file__).with_name("attacks.py"), directory)
    directory.chmod(0o755)
    return directory


HOME = lay_out()


def find_python() -> str:
    """An interpreter of this version that any user may execute: this one may be in somebody's home."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return next((found for found in (sys.executable, shutil.which(version, path=PLACES)) if found and can(found)), "")


def can(python: str) -> bool:
    """Whether the random user can start the wrapper with it."""
    code = f"import sys; sys.path += [{str(HOME)!r}]; import hiredis, ctypes, eightbells.wrapper.main"
    words = (*NOBODY, python, "-ISBc", code)
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


PYTHON = find_python() if shutil.which("setpriv") else ""
WRAPPER = [PYTHON, "-X", "utf8", "-ISBc", START.format(paths=[str(HOME)]), "--"]
"""The wrapper as the console script starts it."""


def attack(name: str, *words: object) -> tuple[str, ...]:
    """The words of a command that tries this."""
    return (PYTHON, "-ISB", str(HOME / "attacks.py"), name, *map(str, words))


def reason_against() -> str:
    """Why nobody can attack here, in a line; '' where they can."""
    missing = [tool for tool in ("unshare", "setpriv") if shutil.which(tool) is None]
    if missing:
        return f"{missing[0]} (util-linux) is not installed"
    tried = subprocess.run([*CONTAINER, *TRACER, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        return f"no container can be made here (run as root): {tried.stderr.strip()}"
    return "" if PYTHON else "a random user can reach no interpreter of this version"
