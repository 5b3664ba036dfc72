"""How Kubernetes expands `$(NAME)` in command, args and variables: the size that it makes of them, and what they name.

`$$` is a dollar sign, and a name that nobody has set stays as it is written (kubernetes, third_party/forked/golang/
expansion). The kubelet expands `command` and `args` by the same rule, so words may move from one to the other.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import chain

_REFERENCE = re.compile(r"\$(?:(\$)|\(([^)]*)\))")
_DOLLAR = re.compile(r"\$(\$)")


def find_references(text: str) -> Iterator[str]:
    """Yield the names that the text refers to."""
    return (found[2] for found in _find_expressions(text) if not found[1])


def expanded_size(text: str, sizes: Mapping[str, int]) -> int:
    """Return the bytes of the text when each name in `sizes` is replaced by a value of so many bytes."""
    size = len(text.encode())
    for found in _find_expressions(text):
        if found[1]:
            size -= 1
        elif found[2] in sizes:
            size += sizes[found[2]] - len(found[0].encode())
    return size


def _find_expressions(text: str) -> Iterator[re.Match[str]]:
    """Yield each `$$` and `$(NAME)`. After the last parenthesis there are no names, and none is looked for: a text of
    nothing but `$(` would be read to its end at every one.
    """
    end = text.rfind(")") + 1
    return chain(_REFERENCE.finditer(text, 0, end), _DOLLAR.finditer(text, end))
