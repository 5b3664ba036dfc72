"""A user's function, found by name and called one delivery at a time: async on the loop, sync in a thread."""

import asyncio
import contextvars
import functools
import importlib
import inspect
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from typing import Any

from eightbells.consumer.delivery import Delivery
from eightbells.consumer.errors import BadHandler

Handler = Callable[[Delivery], Awaitable[None] | None]


def load_handler(name: str) -> Handler:
    """Return the function `package.module:function`; the working directory is searched too. Raises `BadHandler`."""
    module_name, separator, path = name.partition(":")
    if not separator or not module_name or not path:
        raise BadHandler(f"handler {name!r} is not of the form package.module:function")
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise
        raise BadHandler(f"handler {name!r}: no module {error.name!r} here or on sys.path") from None
    try:
        handler: Any = functools.reduce(getattr, path.split("."), module)
    except AttributeError:
        raise BadHandler(f"handler {name!r}: module {module_name!r} has no {path!r}") from None
    if not callable(handler):
        raise BadHandler(f"handler {name!r} is a {type(handler).__name__}, not something to call")
    return handler  # type: ignore[no-any-return]


def make_caller(handler: Handler, threads: Executor) -> Callable[[Delivery], Awaitable[None]]:
    """Return a coroutine function that calls the handler: a sync one in a thread, with its context."""
    if is_async(handler):
        return handler  # type: ignore[return-value]

    async def call(delivery: Delivery) -> None:
        context = contextvars.copy_context()
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(threads, functools.partial(context.run, handler, delivery))

    return call


def is_async(handler: Handler) -> bool:
    """Whether a call makes a coroutine: of a function, a bound method, or an object's `__call__`."""
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(getattr(handler, "__call__", None))  # noqa: B004
