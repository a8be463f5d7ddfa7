"""Finding schools without knowing them: the public chooser, and who was already selected."""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Q, QuerySet

from institute.schools.choices import SchoolStatus
from institute.schools.models import School


def open_schools(q: str = "") -> "QuerySet[School]":
    """Open schools by part of their name, its pinyin or initials, for the public chooser; in pinyin order."""
    rows: QuerySet[School] = School.objects.filter(status=SchoolStatus.READY).order_by("pinyin", "name")
    text = q.strip()
    if text:
        rows = rows.filter(Q(name__icontains=text) | Q(pinyin__contains=text.lower().replace(" ", "")))
    return rows


def selected_under(*codes: str) -> str | None:
    """The name of the school that was selected under one of these codes and is not archived."""
    known = [c for c in codes if c]
    if not known:
        return None
    rows = School.objects.filter(Q(school_code__in=known) | Q(credit_code__in=known))
    school = rows.exclude(status=SchoolStatus.ARCHIVED).first()
    return school.name if school else None


def opened_by(application_id: UUID) -> School | None:
    """The school that came out of an application, whatever its state."""
    school: School | None = School.objects.filter(application_id=application_id).first()
    return school


def names_of(ids: Iterable[UUID]) -> dict[UUID, str]:
    """School names by id, whatever their state. One query."""
    return dict(School.objects.filter(pk__in=list(ids)).values_list("pk", "name"))
