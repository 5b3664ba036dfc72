"""The sizes that Linux, etcd and the API server take; what is larger is refused here, with the size and the limit."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from eightbells.dispatcher.dispatch import Dispatch
from eightbells.dispatcher.errors import Refused
from eightbells.dispatcher.expansion import expanded_size
from eightbells.dispatcher.part import Manifest

STRING_BYTES = 32 * 4096
"""One argument or variable, with its closing NUL: MAX_ARG_STRLEN (linux, include/uapi/linux/binfmts.h)."""

PROGRAM_BYTES = 2 * 1024 * 1024 - 128 * 1024
"""All arguments and variables: a quarter of the usual stack of 8 MiB, less what the image and Kubernetes set."""

POINTER_BYTES = 8
"""What the kernel counts for each of them beside its text."""

OBJECT_BYTES = 1024 * 1024
"""The Job, and what the API server writes of it into `managedFields`: etcd takes requests of 1.5 MiB, and the pod has a
status too.
"""

FIELD_BYTES, ELEMENT_BYTES = 8, 32
"""Of `managedFields` for a field, `"f:":{},`, and for an element of a list, `"k:{\\"name\\":\\"\\"}":{".":{}},`."""

ANNOTATION_BYTES = 256 * 1024
"""All annotations of an object, with their keys (apimachinery, TotalAnnotationSizeLimitB)."""

INPUT_BYTES = 32 * 1024
"""All inputs: they are annotations, which every list and watch of the pods carries."""


def check_program(dispatch: Dispatch, env: Iterable[Mapping[str, Any]], words: Iterable[tuple[str, str]]) -> None:
    """Refuse what execve would refuse. `env` are the variables of main, `words` its arguments, each with its field."""
    total, sizes = 0, dict[str, int]()
    for one in env:
        name = one["name"]
        field = f"env[{name!r}]" if name in dispatch.env else f"template: variable {name}"
        sizes[name] = expanded_size(one.get("value", ""), sizes)
        total += _checked(field, len(name.encode()) + 1 + sizes[name])
    for field, word in words:
        total += _checked(field, expanded_size(word, sizes))
    if total > PROGRAM_BYTES:
        raise Refused(
            "args",
            f"with the variables {total:,} bytes, more than the {PROGRAM_BYTES:,} that a program can be started with: "
            "put them in a volume, or up to 32 KiB in `inputs`",
        )


def _checked(field: str, size: int) -> int:
    if size >= STRING_BYTES:
        raise Refused(
            field,
            f"{size:,} bytes are more than the {STRING_BYTES - 1:,} that Linux takes as one argument or variable: "
            "put it in a volume, or up to 32 KiB in `inputs`",
        )
    return size + 1 + POINTER_BYTES


def check_inputs(dispatch: Dispatch) -> None:
    """Refuse more text than the annotations should hold."""
    size = sum(len(text.encode()) for text in dispatch.inputs.values())
    if size > INPUT_BYTES:
        raise Refused(
            "inputs", f"{size:,} bytes are more than the {INPUT_BYTES:,} of all inputs: use a volume for them"
        )


def check_object(dispatch: Dispatch, job: Manifest) -> None:
    """Refuse a Job that etcd or the API server would refuse for its size."""
    for where, metadata in (("Job", job["metadata"]), ("pod", job["spec"]["template"]["metadata"])):
        size = sum(len(key.encode()) + len(text.encode()) for key, text in metadata["annotations"].items())
        if size > ANNOTATION_BYTES:
            raise Refused(
                "template", f"the annotations of the {where} are {size:,} bytes, more than {ANNOTATION_BYTES:,}"
            )
    size = len(msgspec.json.encode(job)) + ownership_size(job)
    if size > OBJECT_BYTES:
        parts = {name: len(msgspec.json.encode(getattr(dispatch, name))) for name in Dispatch.__struct_fields__}
        largest = max(parts, key=parts.__getitem__)
        raise Refused(
            largest,
            f"the Job is {size:,} bytes with the list of its fields, more than the {OBJECT_BYTES:,} that a cluster "
            f"keeps, and {parts[largest]:,} are of this field: put them in a volume",
        )


def ownership_size(value: Any) -> int:
    """Return about how many bytes `managedFields` takes, which says of each field who set it.

    A list without keys (arguments, the items of a volume) is one field.
    """
    if isinstance(value, dict):
        return sum(FIELD_BYTES + len(name.encode()) + ownership_size(one) for name, one in value.items())
    if isinstance(value, list):
        keyed = [(one.get("mountPath") or one.get("name"), one) for one in value if isinstance(one, dict)]
        return sum(ELEMENT_BYTES + len(str(key).encode()) + ownership_size(one) for key, one in keyed if key)
    return 0
