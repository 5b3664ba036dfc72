"""What the wrapper asks the kernel about itself that Python has no call for: prctl(2), through libffi.

`_ctypes` alone takes half a millisecond; `ctypes` would take ten times that. In the runtime `launcher/prctl.c` stands
in for this module, and takes a tenth.
"""

from __future__ import annotations

PR_SET_DUMPABLE = 4
PR_SET_CHILD_SUBREAPER = 36


def hide() -> bool:
    """Keep our memory, environment and descriptors from the command; exec gives the command its own back. Return
    whether the kernel did. Raises ImportError, OSError where it cannot be asked; and so do the others.
    """
    return _prctl(PR_SET_DUMPABLE, 0)


def become_subreaper() -> bool:
    """Inherit what the command leaves behind, as PID 1 does; it holds across execve."""
    return _prctl(PR_SET_CHILD_SUBREAPER, 1)


def release_code() -> None:
    """Give back the memory of code that is not used any more, where that is only ours: in the runtime."""


def _prctl(option: int, value: int) -> bool:
    import _ctypes  # which an interpreter without libffi has not

    function = _ctypes.dlsym(_ctypes.dlopen(None, 0), "prctl")  # type: ignore[arg-type]
    return bool(_ctypes.call_function(function, (option, value, 0, 0, 0)) == 0)
