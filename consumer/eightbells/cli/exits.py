"""The exit codes of `eightbells`, one meaning each; docs/submit.md has the table."""

from enum import IntEnum


class Exit(IntEnum):
    """What a command's exit code says. sysexits.h has the numbers from 64 to 78; those from 80 on say whom an ending
    blames that is not the command's own doing.
    """

    OK = 0
    BROKEN_PROMISE = 1
    USAGE = 2
    REFUSED = 65
    NOT_FOUND = 66
    UNAVAILABLE = 69
    UNEXPECTED = 70
    CONFLICT = 73
    TRY_AGAIN = 75
    NO_PERMISSION = 77
    INFRA = 80
    CONFIG = 81
    DEPENDENCY = 82
    CANCELLED = 83
    UNKNOWN = 84
    FAILED = 85
    INTERRUPTED = 130
