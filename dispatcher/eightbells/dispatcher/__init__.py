"""Builds, registers, submits and cancels dispatches as Kubernetes Jobs.

What a user's code needs is imported from here, when it is first asked for: `eightbells --help` has no use for a client
library.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eightbells.dispatcher.bulk import Outcome
    from eightbells.dispatcher.cancellation import Cancellation
    from eightbells.dispatcher.connection import Connection
    from eightbells.dispatcher.dispatch import Dispatch, Resources, SecretKey, read_dispatch
    from eightbells.dispatcher.dispatcher import AsyncDispatcher, Dispatcher
    from eightbells.dispatcher.errors import DispatcherError
    from eightbells.dispatcher.report import Report
    from eightbells.dispatcher.settings import Settings
    from eightbells.dispatcher.submission import Submitted

__all__ = [
    "AsyncDispatcher",
    "Cancellation",
    "Connection",
    "Dispatch",
    "Dispatcher",
    "DispatcherError",
    "Outcome",
    "Report",
    "Resources",
    "SecretKey",
    "Settings",
    "Submitted",
    "read_dispatch",
]

_HOMES = {
    "AsyncDispatcher": "dispatcher",
    "Cancellation": "cancellation",
    "Connection": "connection",
    "Dispatch": "dispatch",
    "Dispatcher": "dispatcher",
    "DispatcherError": "errors",
    "Outcome": "bulk",
    "Report": "report",
    "Resources": "dispatch",
    "SecretKey": "dispatch",
    "Settings": "settings",
    "Submitted": "submission",
    "read_dispatch": "dispatch",
}


def __getattr__(name: str) -> object:
    """Return a public name from the module that defines it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
