"""What is in the runtime: the packages it is made of, and what is kept of them.

The interpreter, what the wrapper imports, what that needs, and nothing for anybody else. Whoever lets the wrapper
import something new adds it here; the build says so before an image does.
"""

PACKAGES = (
    "gcc-12-base",  # the licence of libgcc-s1
    "libc6",
    "libexpat1",
    "libffi8",
    "libgcc-s1",
    "libpython3.11-minimal",
    "libpython3.11-stdlib",
    "libssl3",
    "python3.11-minimal",
    "zlib1g",
)

COMPILER_PACKAGES = ("musl-dev",)
"""What the launcher is linked with."""

LIBRARIES = (
    "libc.so.6",
    "libcrypto.so.3",
    "libexpat.so.1",
    "libffi.so.8",
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

EXTENSIONS = ("_ctypes", "_json", "_ssl", "termios")

MODULES = (
    *("encodings/__init__", "encodings/aliases", "encodings/ascii", "encodings/idna", "encodings/latin_1"),
    *("encodings/punycode", "encodings/utf_8", "stringprep", "__future__"),
    # os is what the interpreter knows its directory by; ssl and what it imports is for rediss://
    *("_collections_abc", "_weakrefset", "abc", "base64", "codecs", "collections/__init__", "collections/abc"),
    *("contextlib", "copyreg", "enum", "functools", "genericpath", "io", "keyword", "operator", "os", "posixpath"),
    *("re/__init__", "re/_casefix", "re/_compiler", "re/_constants", "re/_parser", "reprlib", "selectors", "socket"),
    *("ssl", "stat", "struct", "types", "warnings", "weakref"),
)
"""Files of the standard library, less `.py`."""
