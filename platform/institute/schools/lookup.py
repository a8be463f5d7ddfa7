"""Finding schools without knowing them: the public chooser, and who was already selected."""

from django.db.models import Q, QuerySet

from institute.schools.choices import SchoolStatus
from institute.schools.models import School


def open_schools(q: str = "") -> "QuerySet[School]":
    """Open schools by part of their name, for the public chooser."""
    rows = School.objects.filter(status=SchoolStatus.READY).order_by("name")
    return rows.filter(name__icontains=q.strip()) if q.strip() else rows


def selected_under(*codes: str) -> str | None:
    """The name of the school that was selected under one of these codes and is not archived."""
    known = [c for c in codes if c]
    if not known:
        return None
    rows = School.objects.filter(Q(school_code__in=known) | Q(credit_code__in=known))
    return rows.exclude(status=SchoolStatus.ARCHIVED).values_list("name", flat=True).first()


def taken_slugs(prefix: str) -> set[str]:
    """Host names in use that begin with `prefix`."""
    return set(School.objects.filter(slug__startswith=prefix).values_list("slug", flat=True))
