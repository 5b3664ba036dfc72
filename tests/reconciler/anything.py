"""Any value of any of the Structs that the classifier reads: right in type, and otherwise whatever there may be.

Texts are, field by field, those that real clusters have there, so that a rule is reached, and some that nobody has.
"""

import types
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache, reduce
from operator import or_
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from msgspec import Struct

from tests.reconciler.cases import START, all_cases

TEXTS = ["", "main", "True", "{", "None", "0", "x" * 5000, "\x00", "ß 💥", "%s {0} {image}", "etl-x7k2p"]
LAST = 2**63 - 1
NUMBERS = [0, 1, -1, 3, 127, 128, 137, 143, 159, 160, 255, 256, 2**31, 2**53, LAST, -LAST - 1]
FLOATS = [0.0, -1.0, 0.5, 120.0, 1e308, -1e308, 1e-300]

MOMENTS = st.sampled_from([datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]) | st.integers(
    -60, 30_000
).map(lambda seconds: START + timedelta(seconds=seconds))


def any_of(kind: Any) -> SearchStrategy[Any]:
    """Any value of a type."""
    return _values(kind, "")


def _values(kind: Any, field: str) -> SearchStrategy[Any]:
    if (make := GENERIC.get(get_origin(kind))) is not None:
        return make(get_args(kind), field)
    if issubclass(kind, Struct):
        return _structs(kind)
    return st.sampled_from(list(kind)) if issubclass(kind, Enum) else PLAIN[kind](field)


def _structs(kind: type[Struct]) -> SearchStrategy[Any]:
    """Every field by itself; what need not be there is missing in half of them."""
    fields = msgspec.structs.fields(kind)
    needed = {one.name: _values(one.type, one.encode_name) for one in fields if one.required}
    others = {one.name: _values(_without_none(one.type), one.encode_name) for one in fields if not one.required}
    return st.fixed_dictionaries(needed, optional=others).map(lambda given: kind(**given))


def _without_none(kind: Any) -> Any:
    """What is absent is null already, by default."""
    if get_origin(kind) not in {Union, types.UnionType}:
        return kind
    return reduce(or_, (one for one in get_args(kind) if one is not type(None)))


GENERIC: dict[Any, Callable[[tuple[Any, ...], str], SearchStrategy[Any]]] = {
    Annotated: lambda inner, field: _values(inner[0], field),
    Literal: lambda inner, _: st.sampled_from(inner),
    Union: lambda inner, field: reduce(or_, (_values(one, field) for one in inner)),
    types.UnionType: lambda inner, field: reduce(or_, (_values(one, field) for one in inner)),
    tuple: lambda inner, field: st.lists(_values(inner[0], field), max_size=3).map(tuple),
    dict: lambda inner, field: st.dictionaries(_values(inner[0], field), _values(inner[1], field), max_size=3),
}

PLAIN: dict[Any, Callable[[str], SearchStrategy[Any]]] = {
    type(None): lambda _: st.none(),
    bool: lambda _: st.booleans(),
    int: lambda _: st.sampled_from(NUMBERS),
    float: lambda _: st.sampled_from(FLOATS),
    str: lambda field: st.sampled_from([*seen_in(field), *TEXTS]),
    datetime: lambda _: MOMENTS,
    Any: lambda _: st.sampled_from([None, 0, "", [], {}]),
}


NAMES = {"name": ("main", "etl", "etl-x7k2p", "prepare", "node-3"), "uid": ("job-uid", "pod-uid")}
"""Of these few are drawn, so that one thing is often about another."""


def seen_in(field: str) -> tuple[str, ...]:
    """The texts that the cases have in a field of this name."""
    return NAMES.get(field) or tuple(sorted(_seen().get(field, ())))


@cache
def _seen() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for case in all_cases():
        _collect("", case.objects, found)
    return found


def _collect(field: str, value: Any, found: dict[str, set[str]]) -> None:
    if isinstance(value, str):
        found.setdefault(field, set()).add(value)
    elif isinstance(value, list):
        for one in value:
            _collect(field, one, found)
    elif isinstance(value, dict):
        for name, one in value.items():
            _collect(name, one, found)


@st.composite
def changed(draw: st.DrawFn, value: Any, most: int = 6) -> Any:
    """A value of which some fields, at any depth, hold anything that their types allow."""
    for number in draw(st.lists(st.integers(0, 10_000), max_size=most)):
        known = list(places(value, type(value)))
        path, kind, field = known[number % len(known)]
        value = put(value, path, draw(_values(kind, field)))
    return value


def places(value: Any, kind: Any, path: tuple[Any, ...] = (), field: str = "") -> Iterator[tuple[Any, Any, str]]:
    """Where a value can be changed: the way there, the type of what is there, and what the field is called."""
    if path:
        yield path, kind, field
    if isinstance(value, Struct):
        for one in msgspec.structs.fields(type(value)):
            yield from places(getattr(value, one.name), one.type, (*path, one.name), one.encode_name)
    elif isinstance(value, tuple):
        inner = type(value[0]) if value else None
        for number, one in enumerate(value):
            yield from places(one, inner, (*path, number), field)


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """The value with another one at the end of a way."""
    if not path:
        return new
    step, rest = path[0], path[1:]
    if isinstance(value, tuple):
        return tuple(put(one, rest, new) if at == step else one for at, one in enumerate(value))
    return msgspec.structs.replace(value, **{step: put(getattr(value, step), rest, new)})
