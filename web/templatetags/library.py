"""Tags of the standards reader."""

from django import template

from standards_library.domains import DOMAINS
from standards_library.models import Requirement, Supersession
from web.library import looks

register = template.Library()


@register.filter
def origin(row: Requirement) -> looks.Look:
    """Who set the number: `look.saying.label`, `look.saying.sentence`, `look.icon`."""
    return looks.origin_of(row)


@register.filter
def verified(row: Requirement | Supersession) -> looks.Look:
    """How far the citation was checked."""
    return looks.verification_of(row.verification, getattr(row, "confirmed_basis", ""))


@register.filter
def measure(row: Requirement) -> str:
    """每 3 个月至少 1 次."""
    return looks.measure_of(row)


@register.filter
def domain_name(key: str) -> str:
    return DOMAINS[key].name if key in DOMAINS else key


@register.filter
def line_names(keys: list[str]) -> str:
    """Service lines in words; none: 各条线通用."""
    from standards_library.choices import ServiceLine

    return "、".join(str(ServiceLine(key).label) for key in keys if key in ServiceLine.values) or "各条线通用"
