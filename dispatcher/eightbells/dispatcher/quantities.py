"""What the command is given of memory, processor and the rest: checked, and as requests and limits of the container."""

from decimal import Decimal

from eightbells.dispatcher.dispatch import Resources
from eightbells.dispatcher.errors import Refused
from eightbells.dispatcher.part import Manifest
from eightbells.dispatcher.syntax import check_qualified_name, parse_quantity

SMALLEST = {"memory": Decimal(1), "cpu": Decimal("0.001")}
"""A byte, and a thousandth of a processor. What is below was meant otherwise: `512m` of memory is half a byte."""

LARGEST = Decimal(2**63 - 1)

HUGEPAGES = "hugepages-"

LONGEST_DOMAIN = 253 - len("requests.")
"""Of a device's name, which quotas put that before."""


def check_resources(said: Resources) -> None:
    """Refuse what is not a quantity, or not one of that resource."""
    memory, cpu = SMALLEST["memory"], SMALLEST["cpu"]
    for name, least in (("memory", memory), ("memory_request", memory), ("cpu", cpu), ("cpu_limit", cpu)):
        quantity = getattr(said, name)
        if quantity is not None:
            _check_quantity(f"resources.{name}", quantity, least)
    for name, quantity in said.extra.items():
        field = f"resources.extra[{name!r}]"
        check_qualified_name(field, name)
        _check_resource(field, name)
        number = _check_quantity(field, quantity, memory)
        if "/" in name and number != number.to_integral_value():
            raise Refused(field, f"{quantity!r} is not a whole number, as resources with a domain are counted")
        page = parse_quantity(name.removeprefix(HUGEPAGES)) if name.startswith(HUGEPAGES) else Decimal(1)
        if "/" not in name and (not page or number % page):
            raise Refused(
                field, f"{quantity!r} is not so many pages of the size in its name: write {HUGEPAGES}2Mi, 512Mi"
            )


def _check_resource(field: str, name: str) -> None:
    """Refuse what no container can be given (IsStandardContainerResourceName, IsExtendedResourceName)."""
    domain, slash, _ = name.rpartition("/")
    if name in SMALLEST:
        raise Refused(field, f"`{name}` has a field of its own")
    if not slash and name != "ephemeral-storage" and not name.startswith(HUGEPAGES):
        raise Refused(
            field, "is no resource of Kubernetes, and a device's has its domain before it, as example.com/gpu"
        )
    if domain.startswith("requests.") or len(domain) > LONGEST_DOMAIN:
        raise Refused(field, f"has a domain that begins with 'requests.' or is longer than {LONGEST_DOMAIN} characters")


def build_resources(said: Resources, base: Manifest) -> Manifest:
    """Return requests and limits on top of the template's: of memory the same, of CPU a request, unless more is said.

    Raises `Refused` where a request of the one is above the limit of the other.
    """
    limits = {"memory": said.memory, "cpu": said.cpu_limit, **said.extra}
    requests = {"memory": said.memory_request or said.memory, "cpu": said.cpu}
    kept = {name: asked for name, asked in base.get("requests", {}).items() if name not in said.extra}
    built = {**base, "limits": base.get("limits", {}) | _said(limits), "requests": kept | _said(requests)}
    for name, requested in built["requests"].items():
        asked, limit = parse_quantity(str(requested)), parse_quantity(str(built["limits"].get(name)))
        if asked is not None and limit is not None and asked > limit:
            raise Refused(f"resources.{name}", f"the request {requested} is above the limit {built['limits'][name]}")
    return {kind: some for kind, some in built.items() if some}


def _said(quantities: dict[str, str | None]) -> dict[str, str]:
    return {name: quantity for name, quantity in quantities.items() if quantity is not None}


def _check_quantity(field: str, text: str, least: Decimal) -> Decimal:
    number = parse_quantity(text)
    if number is None:
        raise Refused(field, f"{text[:60]!r} is not a quantity of Kubernetes: write 512Mi, 1.5Gi, 2 or 500m")
    if not least <= number <= LARGEST:
        raise Refused(field, f"{text!r} is not {least:f} or more (and below 8Ei); for memory write 512Mi, not 512m")
    return number
