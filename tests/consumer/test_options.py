"""Options, addresses and handlers that cannot work are refused at once, by name and with the reason."""

import functools
from pathlib import Path
from typing import Any, cast

import pytest
from eightbells.consumer import Consumer, Delivery
from eightbells.consumer.errors import BadHandler, BadOption
from eightbells.consumer.handler import load_handler

URL = "redis://localhost"


async def handle(_: Delivery) -> None:
    """A handler that can be loaded by name."""


async def yields(_: Delivery) -> Any:
    yield


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"concurrency": 0}, "concurrency is 0: it has to be at least 1"),
        ({"prefetch": 0}, "prefetch is 0"),
        ({"prefetch_bytes": 0}, "prefetch_bytes is 0"),
        ({"max_tries": 0}, "max_tries is 0"),
        ({"lease": 0}, "lease is 0.0: it has to be seconds, above 0"),
        ({"lease": float("nan")}, "lease is nan"),
        ({"lease": float("inf")}, "lease is inf"),
        ({"due_interval": 0}, "due_interval is 0.0"),
        ({"touch_interval": -1}, "touch_interval is -1.0"),
        ({"backoff": 2, "backoff_limit": 1}, "backoff is the lower"),
        ({"stop_deadline": -1}, "stop_deadline"),
        ({"lease": "long"}, r"Expected `float`, got `str` - at `\$.lease`"),
        ({"namespace": "A B"}, "namespace 'A B' is not 1 to 63 characters"),
        ({"concurrent": 5}, "unknown field `concurrent`"),
    ],
)
def test_an_option_that_cannot_work_is_named(options: dict[str, Any], says: str) -> None:
    """The message has the option and what it has to be."""
    with pytest.raises(BadOption, match=says):
        Consumer(URL, "g", handle, **options)


def test_a_group_that_is_none_is_named() -> None:
    """A group is refused before anything is asked of a server."""
    with pytest.raises(BadOption, match="group 'a b' is not 1 to 63 characters"):
        Consumer(URL, "a b", handle)


@pytest.mark.parametrize("url", ["http://h", "redis://:secret@h:port/", "redis://:secret@h?no=such"])
def test_a_url_that_cannot_be_used_is_not_quoted(url: str) -> None:
    """The message says what a URL looks like, and nothing of this one: it may hold a password."""
    with pytest.raises(BadOption, match="write redis://user:password@host:6379/0") as error:
        Consumer(url, "g", handle)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("handler", "says"),
    [
        (1, "is a int, not something to call"),
        (lambda: None, "does not take it: too many positional arguments"),
        (lambda one, two: None, "does not take it: missing a required argument: 'two'"),
        (yields, "is a generator function"),
    ],
)
def test_a_handler_that_could_only_fail_is_refused(handler: Any, says: str) -> None:
    """What cannot be called with one delivery, or would do nothing when it is, never gets one."""
    with pytest.raises(BadHandler, match=says):
        Consumer(URL, "g", handler)


@pytest.mark.parametrize("handler", [handle, functools.partial(handle), print, lambda one, two=2: None])
def test_what_takes_one_delivery_is_a_handler(handler: Any) -> None:
    """Functions, partials, built-ins and optional arguments are all taken."""
    Consumer(URL, "g", handler)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("no_colon", "is not of the form package.module:function"),
        (":f", "is not of the form"),
        ("m:", "is not of the form"),
        ("no_such_module:f", "no module 'no_such_module' here or on sys.path"),
        ("no_such.module:f", "no module 'no_such' here"),
        (f"{__name__}:nothing", "has no 'nothing'"),
        (f"{__name__}:URL", "is a str, not something to call"),
        (f"{__name__}:yields", "is a generator function"),
        (".relative:f", "from its top-level package on"),
    ],
)
def test_a_name_that_leads_to_no_handler_is_refused(name: str, says: str) -> None:
    """The message has the name and the part of it that is wrong."""
    with pytest.raises(BadHandler, match=says) as error:
        load_handler(name)
    assert repr(name) in str(error.value)


def test_a_handler_is_found_by_name() -> None:
    """`package.module:function` is that function; a dotted path goes into classes."""
    assert load_handler(f"{__name__}:handle") is handle
    assert load_handler("pathlib:Path.exists") == cast("Any", Path.exists)


def test_an_error_in_the_users_module_is_theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module of the user that imports what is not there fails with his traceback, not with our message."""
    (tmp_path / "half_done_handlers.py").write_text("import no_such_dependency\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_dependency"):
        load_handler("half_done_handlers:handle")
