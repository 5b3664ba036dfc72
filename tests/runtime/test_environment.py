"""The image's environment: the command gets it unchanged, and the loader and interpreter of ours none of it."""

import errno
import subprocess
from pathlib import Path

import pytest

from tests.runtime.conftest import BUS
from tests.runtime.foreign import Foreign
from tests.runtime.roots import Root
from tests.wrapper.wrapping import Dispatch, Wrapping
from tools.runtime.bytecode import interpreter

SHOW = ("/busybox", "cat", "/proc/self/environ")
FOREIGN = [
    "LD_PRELOAD=/lib/foreign.so",
    "LD_LIBRARY_PATH=/foreign",
    "LD_AUDIT=/lib/foreign.so",
    "LD_BIND_NOW=1",
    "GLIBC_TUNABLES=glibc.malloc.check=3",
    "MALLOC_ARENA_MAX=1",
    "PYTHONHOME=/foreign",
    "PYTHONPATH=/foreign",
    "PYTHONSTARTUP=/foreign.py",
    "PYTHONUTF8=0",
    "PYTHONMALLOC=nonsense",
    "SSL_CERT_FILE=/foreign.pem",
    "OPENSSL_CONF=/foreign.cnf",
    "LANG=ja_JP.EUC-JP",
    "LC_ALL=de_DE.ISO-8859-15",
    "TZ=:/foreign",
    "GCONV_PATH=/foreign",
    "PATH=/nowhere:/",
]


def test_the_images_variables_reach_the_command_and_never_us(init: Wrapping, bare: Root) -> None:
    """Whatever loaders, interpreters and libraries listen to passes us by and arrives as it was, in its order."""
    ran = init.run(*SHOW, program=bare.entry(environment=FOREIGN))
    assert ran.exit_code == 0
    assert ran.stdout.decode().split("\0")[:-1] == FOREIGN
    assert b"nothing is reported" in ran.stderr
    assert ran.stderr.count(b"\n") == 1


def test_an_environment_may_be_large_and_odd(init: Wrapping, bare: Root) -> None:
    """A megabyte arrives; so do an entry of the greatest length there is, odd names, and bytes that are no text."""
    longest = "LONGEST=" + "x" * (128 * 1024 - len("LONGEST=") - 1)
    odd = [
        "=begins=with one",
        "E=",
        "UMLÄUT=ß",
        "ÄRGER=1",
        "\x01=1",
        "a b=c d",
        "BASH_FUNC_f%%=() { :; }",
        "BYTES=\udcff\udc80",
    ]
    many = [f"VARIABLE_{number}={'y' * 1000}" for number in range(900)]
    ran = init.run(*SHOW, program=bare.entry(environment=[*odd, longest, *many]))
    assert ran.exit_code == 0
    assert ran.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1] == [*odd, longest, *many]


def test_what_is_no_variable_is_left_out(init: Wrapping, bare: Root) -> None:
    """Of a name that is there twice the first counts, as for getenv; strings without a name do not stop the command."""
    ran = init.run(*SHOW, program=bare.entry(environment=["TWICE=1", "no variable", "", "TWICE=2", "=", "LAST=3"]))
    assert ran.exit_code == 0
    assert ran.stdout.decode().split("\0")[:-1] == ["TWICE=1", "LAST=3"]


def test_our_own_variables_do_not_reach_the_command(dispatch: Dispatch, bare: Root) -> None:
    """The command sees no address and no password of ours, and nothing of how the launcher started us."""
    bare.write("/etc/hosts", f"127.0.0.1 {BUS}\n")
    ran = dispatch.run(*SHOW, program=bare.entry(environment=["HOME=/"]))
    assert ran.stdout == b"HOME=/\0"


@pytest.mark.parametrize("library", ["newer-glibc", "musl"])
def test_a_foreign_preload_does_not_stop_us(
    init: Wrapping, bare: Root, runtime: Path, foreign: Foreign, library: str
) -> None:
    """A library that asks for another C library would end our interpreter at once; the launcher keeps it away."""
    bare.write("/lib/foreign.so", foreign.library(library).read_bytes())
    ran = init.run(*SHOW, program=bare.entry(environment=["LD_PRELOAD=/lib/foreign.so"]))
    assert (ran.exit_code, ran.stdout) == (0, b"LD_PRELOAD=/lib/foreign.so\0")
    # what it would do without the launcher, or the test would show nothing
    start = interpreter(runtime / "lib/eightbells", str(runtime / "lib"), runtime / "bin/python3.11")
    without = subprocess.run(
        [*start, "-ISBc", "pass"], env={"LD_PRELOAD": str(foreign.library(library))}, capture_output=True, check=False
    )
    assert without.returncode in (1, 127)


def test_a_preload_for_everybody_does_not_reach_us(init: Wrapping, bare: Root, foreign: Foreign) -> None:
    """The image's /etc/ld.so.preload is for the image's programs, and our loader does not read it."""
    bare.write("/lib/foreign.so", foreign.library("trap").read_bytes())
    bare.write("/etc/ld.so.preload", "/lib/foreign.so\n")
    assert init.run("/busybox", "true", program=bare.entry()).exit_code == 0


def test_a_foreign_name_service_is_not_asked(dispatch: Dispatch, debian: Root, foreign: Foreign) -> None:
    """An nsswitch.conf that names a module of the image, which would crash us, does not keep names from resolving."""
    debian.write("/etc/nsswitch.conf", "hosts: resolve files dns\npasswd: resolve files\n")
    debian.write("/etc/hosts", f"127.0.0.1 {BUS}\n")
    for place in (
        "/lib",
        "/lib64",
        "/usr/lib",
        *(f"/{path.parent.relative_to(debian.path)}" for path in debian.path.rglob("libc.so.6")),
    ):
        debian.write(f"{place}/libnss_resolve.so.2", foreign.library("trap").read_bytes())
    assert dispatch.end("/bin/true", program=debian.entry()).exit_code == 0


def test_a_foreign_openssl_configuration_is_not_read(init: Wrapping, debian: Root, foreign: Foreign) -> None:
    """An openssl.cnf that loads a module of the image into whoever starts OpenSSL does not load it into us."""
    debian.write("/usr/lib/ssl/openssl.cnf", OPENSSL_CONF)
    debian.write("/usr/lib/foreign.so", foreign.library("trap").read_bytes())
    start = interpreter(Path("/eightbells/lib/eightbells"), "/eightbells/lib", Path("/eightbells/bin/python3.11"))
    check = "import _ssl; _ssl._SSLContext(_ssl.PROTOCOL_TLS_CLIENT); print('usable')"
    ran = init.run(program=debian.entry(*start, "-X", "utf8", "-ISBc", check))
    assert ran.stdout == b"usable\n", errno.errorcode.get(ran.exit_code, ran.exit_code)


OPENSSL_CONF = """\
openssl_conf = init
[init]
providers = providers
[providers]
foreign = foreign
[foreign]
module = /usr/lib/foreign.so
activate = 1
"""
