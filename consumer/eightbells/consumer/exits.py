"""The exit codes of `eightbells`, one meaning each."""

from enum import IntEnum


class Exit(IntEnum):
    """What a command's exit code says; sysexits.h has the numbers above 63."""

    OK = 0
    BROKEN_PROMISE = 1
    USAGE = 2
    NOT_FOUND = 66
    UNAVAILABLE = 69
    NO_PERMISSION = 77
