"""What is in the runtime: the packages it is made of, and what is kept of them.

The interpreter, what the wrapper imports, what that needs, and nothing for anybody else. Whoever lets the wrapper
import something new adds it here; the build says so before an image does.
"""

PACKAGES = (
    "gcc-12-base",  # the licence of libgcc-s1
    "libc6",
    "libexpat1",
    "libgcc-s1",
    "libpython3.11-minimal",
    "libpython3.11-stdlib",
    "libssl3",
    "python3.11-minimal",
    "zlib1g",
)

COMPILER_PACKAGES = ("musl-dev",)
"""What the launcher is linked with."""

HEADER_PACKAGES = ("libpython3.11-dev",)
"""What prctl is compiled with, and nothing of which is in it."""

LIBRARIES = (
    "libc.so.6",
    "libcrypto.so.3",
    "libexpat.so.1",
    "libgcc_s.so.1",  # the C library opens it when a thread is ended; it would take the image's, or abort
    "libm.so.6",
    "libpthread.so.0",
    "libssl.so.3",
    "libz.so.1",
)

BLINDED = {
    "libc.so.6": ("/etc/nsswitch.conf", "/usr/lib/locale", "/usr/lib/locale/locale-archive"),
    "libcrypto.so.3": ("/usr/lib/ssl",),
    "loader": ("/etc/ld.so.preload",),
}
"""Paths that our binaries would read in the image, and so load libraries or data made for another version of us."""

EXTENSIONS = ("_json", "_ssl", "termios")

MODULES = (
    *("encodings/__init__", "encodings/aliases", "encodings/ascii", "encodings/latin_1", "encodings/utf_8"),
    "os",  # never imported: what the interpreter knows its directory by
)
"""Files of the standard library, less `.py`."""
