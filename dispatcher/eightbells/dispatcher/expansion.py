"""How Kubernetes expands `$(NAME)` in command, args and variables: the size that it makes of them, and what they name.

`$$` is a dollar sign, and a name that nobody has set stays as it is written (kubernetes, third_party/forked/golang/
expansion). The kubelet expands `command` and `args` by the same rule, so words may move from one to the other.
"""

import re
from collections.abc import Iterator, Mapping

_REFERENCE = re.compile(r"\$(?:\$|\(([^)]*)\))")


def find_references(text: str) -> Iterator[str]:
    """Yield the names that the text refers to."""
    return (found[1] for found in _REFERENCE.finditer(text) if found[1] is not None)


def expanded_size(text: str, sizes: Mapping[str, int]) -> int:
    """Return the bytes of the text when each name in `sizes` is replaced by a value of so many bytes."""
    size = len(text.encode())
    for found in _REFERENCE.finditer(text):
        if found[1] is None:
            size -= 1
        elif found[1] in sizes:
            size += sizes[found[1]] - len(found[0].encode())
    return size
