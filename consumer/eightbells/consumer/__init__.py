"""Reads the bus and hands every ending to a handler, once per group.

`Consumer`, `Delivery`, `Options` and `Retry` are what a user's code needs. They are imported when first asked for:
the embedded server's keeper, and `eightbells --help`, have no use for a client library.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eightbells.consumer.consumer import Consumer
    from eightbells.consumer.delivery import Delivery
    from eightbells.consumer.errors import Retry
    from eightbells.consumer.options import Options

__all__ = ["Consumer", "Delivery", "Options", "Retry"]

_HOMES = {"Consumer": "consumer", "Delivery": "delivery", "Options": "options", "Retry": "errors"}


def __getattr__(name: str) -> object:
    """Return a public name from the module that defines it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
