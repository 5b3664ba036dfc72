"""What Kubernetes and the registries take for a name, a label, an image or a quantity; each check names the remedy."""

import re
from decimal import Decimal

from eightbells.dispatcher.errors import Refused

_LABEL = "[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_DNS_LABEL = re.compile(_LABEL)
_DNS_SUBDOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_VARIABLE = re.compile(r"[A-Za-z_.-][A-Za-z0-9_.-]*")
_FILE = re.compile(r"[A-Za-z0-9._-]+")
_QUANTITY = re.compile(r"\+?(\d+(?:\.\d*)?|\.\d+)(?:([KMGTPE]i|[numkMGTPE])|[eE]([+-]?\d{1,2}))?", re.ASCII)

_HOST = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_PART = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_NOT_A_DIGEST = "(?![0-9a-f]{64}$)"  # taken for an image's id without its algorithm, and no name
_DIGEST = "(?:sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})"  # those of opencontainers/go-digest
_IMAGE = re.compile(
    rf"{_NOT_A_DIGEST}((?:(?:{_HOST}(?:\.{_HOST})*|\[[0-9a-fA-F:]+\])(?::\d+)?/)?{_PART}(?:/{_PART})*)"
    rf"(?::\w[\w.-]{{0,127}})?(@{_DIGEST})?",
    re.ASCII,
)

PATH_BYTES = 3840
"""A path in a container: Linux' PATH_MAX of 4096, less what the runtime puts before it (its root on the node)."""

PART_BYTES = 255
"""One part of a path: NAME_MAX of Linux' usual file systems."""

_FACTORS = {
    **{unit: Decimal(1000) ** power for power, unit in enumerate(["n", "u", "m", "", *"kMGTPE"], start=-3)},
    **{f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGTPE", start=1)},
}


def check_dns_label(field: str, text: str) -> None:
    """Refuse what is not the name of a namespace or container."""
    if len(text) > 63 or not _DNS_LABEL.fullmatch(text):
        raise Refused(field, f"{_show(text)} is not 1 to 63 characters of a-z 0-9 - that begin and end with a-z 0-9")


def check_dns_subdomain(field: str, text: str) -> None:
    """Refuse what is not the name of a Secret or service account."""
    if len(text) > 253 or not _DNS_SUBDOMAIN.fullmatch(text):
        raise Refused(
            field, f"{_show(text)} is not 1 to 253 characters of a-z 0-9 - . whose parts begin and end with a-z 0-9"
        )


def check_qualified_name(field: str, text: str) -> None:
    """Refuse what is not the key of a label, or the name of a resource."""
    prefix, slash, name = text.rpartition("/")
    if slash:
        check_dns_subdomain(field, prefix)
    if len(name) > 63 or not _NAME.fullmatch(name):
        raise Refused(
            field,
            f"{_show(text)} is not a name of 1 to 63 characters of A-Z a-z 0-9 - _ . that begins and ends with a "
            "letter or digit, after a domain and a slash where there is one",
        )


def check_label_value(field: str, text: str) -> None:
    """Refuse what is not the value of a label."""
    if text and (len(text) > 63 or not _NAME.fullmatch(text)):
        raise Refused(
            field,
            f"{_show(text)} is not at most 63 characters of A-Z a-z 0-9 - _ . between two letters or digits; "
            "what is longer or freer goes into `context`",
        )


def check_variable(field: str, text: str) -> None:
    """Refuse what is not the name of a variable."""
    if not _VARIABLE.fullmatch(text) or text == "." or text.startswith(".."):
        raise Refused(
            field, f"{_show(text)} is not a name of A-Z a-z 0-9 _ - . that does not begin with a digit or '..'"
        )


def check_file_name(field: str, text: str) -> None:
    """Refuse what is not the key of a Secret, or a file name that a volume takes."""
    if len(text) > 253 or not _FILE.fullmatch(text) or text == "." or text.startswith(".."):
        raise Refused(
            field, f"{_show(text)} is not 1 to 253 characters of A-Z a-z 0-9 - _ . that do not begin with '..'"
        )


def check_path(field: str, text: str) -> None:
    """Refuse what is not the whole path of a file."""
    if not text.startswith("/") or text.endswith("/") or ":" in text:
        raise Refused(field, f"{_show(text)} is not the path of a file: it begins with / and has no ':'")
    if any(part in ("", ".", "..") for part in text[1:].split("/")):
        raise Refused(field, f"{_show(text)} has an empty part, '.' or '..': write the path without")
    check_path_length(field, text)


def check_path_length(field: str, text: str) -> None:
    """Refuse a path that no file system has room for."""
    longest = max(len(part.encode()) for part in text.split("/"))
    if longest > PART_BYTES:
        raise Refused(field, f"a part of {longest} bytes is more than the {PART_BYTES} of a file's name: shorten it")
    size = len(text.encode())
    if size > PATH_BYTES:
        raise Refused(field, f"{size:,} bytes are more than the {PATH_BYTES:,} of a path: shorten it")


def check_image(field: str, text: str, *, require_digest: bool) -> None:
    """Refuse what no registry could have; and a tag where digests are required, because a tag can move."""
    found = _IMAGE.fullmatch(text) if len(text) <= 1024 else None
    if not found or len(found[1]) > 255:
        raise Refused(
            field,
            f"{_show(text)} is not an image: write [registry[:port]/]name[:tag][@sha256:…], the name in lower case and "
            "at most 255 characters, the digest 64 of 0-9 a-f",
        )
    if require_digest and not found[2]:
        raise Refused(field, f"{_show(text)} has no digest, which this installation requires: add @sha256:…")


def parse_quantity(text: str) -> Decimal | None:
    """Return the number that a quantity of Kubernetes says, and None where it is none."""
    found = _QUANTITY.fullmatch(text) if len(text) <= 64 else None
    if not found:
        return None
    return Decimal(found[1]) * _FACTORS[found[2] or ""] * Decimal(10) ** int(found[3] or 0)


def _show(text: str) -> str:
    return repr(text) if len(text) <= 80 else repr(text[:60]) + f" ({len(text)} characters)"
