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
_IMAGE = re.compile(
    rf"(?:(?:{_HOST}(?:\.{_HOST})*|\[[0-9a-fA-F:]+\])(?::\d+)?/)?{_PART}(?:/{_PART})*"
    r"(?::\w[\w.-]{0,127})?(@sha256:[0-9a-f]{64}|@[A-Za-z][A-Za-z0-9+._-]*:[0-9a-fA-F]{32,})?",
    re.ASCII,
)

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
    if not _VARIABLE.fullmatch(text):
        raise Refused(field, f"{_show(text)} is not a name of A-Z a-z 0-9 _ - . that does not begin with a digit")


def check_file_name(field: str, text: str) -> None:
    """Refuse what is not the key of a Secret, or a file name that a volume takes."""
    if len(text) > 253 or not _FILE.fullmatch(text) or text == "." or text.startswith(".."):
        raise Refused(
            field, f"{_show(text)} is not 1 to 253 characters of A-Z a-z 0-9 - _ . that do not begin with '..'"
        )


def check_path(field: str, text: str) -> None:
    """Refuse what is not the whole path of a file."""
    if not text.startswith("/") or text.endswith("/") or ":" in text or len(text.encode()) > 4095:
        raise Refused(field, f"{_show(text)} is not the path of a file: it begins with / and has no ':'")
    if any(part in ("", ".", "..") for part in text[1:].split("/")):
        raise Refused(field, f"{_show(text)} has an empty part, '.' or '..': write the path without")


def check_image(field: str, text: str, *, require_digest: bool) -> None:
    """Refuse what no registry could have; and a tag where digests are required, because a tag can move."""
    name = text.partition("@")[0]
    found = _IMAGE.fullmatch(text) if len(name) <= 512 else None
    if not found or len(name.rpartition("/")[0] + name.rpartition("/")[2].partition(":")[0]) > 255:
        raise Refused(
            field,
            f"{_show(text)} is not an image: write [registry[:port]/]name[:tag][@sha256:…], the name in lower case",
        )
    if require_digest and not found[1]:
        raise Refused(field, f"{_show(text)} has no digest, which this installation requires: add @sha256:…")


def parse_quantity(text: str) -> Decimal | None:
    """Return the number that a quantity of Kubernetes says, and None where it is none."""
    found = _QUANTITY.fullmatch(text) if len(text) <= 64 else None
    if not found:
        return None
    return Decimal(found[1]) * _FACTORS[found[2] or ""] * Decimal(10) ** int(found[3] or 0)


def _show(text: str) -> str:
    return repr(text) if len(text) <= 80 else repr(text[:60]) + f" ({len(text)} characters)"
