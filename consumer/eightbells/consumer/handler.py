"""A user's function, found by name and called one delivery at a time: async on the loop, sync in a thread."""

import asyncio
import contextvars
import functools
import importlib
import inspect
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from types import ModuleType
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
    module = import_module(name, module_name)
    try:
        handler: Any = functools.reduce(getattr, path.split("."), module)
    except AttributeError:
        raise BadHandler(f"handler {name!r}: module {module_name!r} has no {path!r}") from None
    return check_handler(handler, f"handler {name!r}")


def import_module(name: str, module_name: str) -> ModuleType:
    """Return the module; what its own code raises passes, so that its author sees where."""
    if module_name.startswith("."):
        raise BadHandler(f"handler {name!r}: name the module from its top-level package on, not relative")
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise
        raise BadHandler(f"handler {name!r}: no module {error.name!r} here or on sys.path") from None


def check_handler(handler: Any, name: str = "the handler") -> Handler:
    """Return what can be called with one delivery and does its work when it is. Raises `BadHandler` otherwise."""
    if not callable(handler):
        raise BadHandler(f"{name} is a {type(handler).__name__}, not something to call")
    if inspect.isgeneratorfunction(handler) or inspect.isasyncgenfunction(handler):
        raise BadHandler(f"{name} is a generator function: nothing in it would run; return instead of yield")
    try:
        inspect.signature(handler).bind(None)
    except TypeError as error:
        raise BadHandler(f"{name} is called with one Delivery, and does not take it: {error}") from None
    except ValueError:
        pass  # written in C, without a signature
    return handler  # type: ignore[no-any-return]


def make_caller(handler: Handler, threads: Executor) -> Callable[[Delivery], Awaitable[None]]:
    """Return a coroutine function that calls the handler: a sync one in a thread, with its context."""
    if is_async(handler):
        return handler  # type: ignore[return-value]

    async def call(delivery: Delivery) -> None:
        context = contextvars.copy_context()
        loop = asyncio.get_running_loop()
        result = await loop.run_in_executor(threads, functools.partial(context.run, handler, delivery))
        if result is not None and inspect.isawaitable(result):
            # An async function behind a plain decorator: what it returned has not run yet.
            await result

    return call


def is_async(handler: Handler) -> bool:
    """Whether a call makes a coroutine: of a function, a bound method, or an object's `__call__`."""
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(getattr(handler, "__call__", None))  # noqa: B004
