"""Reads of evaluations."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Count, Q, QuerySet

from identity.contracts import Actor
from kernel.errors import NotAllowed, NotFound
from tenants.evaluations import document, policies
from tenants.evaluations.choices import RoundKind, RoundStatus
from tenants.evaluations.contracts import Progress
from tenants.evaluations.models import Area, Deduction, Entry, Round, Source
from tenants.evaluations.operations import missing_cells, recomputed_digest
from tenants.organisation import queries as organisation

LIST_COLUMNS = ("sheet", "result")  # large, never needed in a list


def visible(by: Actor) -> QuerySet[Round]:
    """The rounds `by` may see: all for the office; for a property company those about itself, once scoring began.

    Raises NotAllowed.
    """
    if policies.can_read_all(by):
        return Round.objects.all()
    if policies.reads_as_provider(by):
        own = organisation.party_ids_of_providers(by.provider_ids)
        return Round.objects.filter(party_id__in=own).exclude(status=RoundStatus.DRAFT)
    raise NotAllowed


def rounds(
    *,
    by: Actor,
    kind: str = "",
    status: str = "",
    party_id: UUID | str | None = None,
    since: date | None = None,
    until: date | None = None,
    search: str = "",
    sort: str = "",
) -> QuerySet[Round]:
    """Rounds, newest period first, without the large columns. Raises NotAllowed."""
    rows = visible(by).defer(*LIST_COLUMNS)
    if kind in RoundKind.values:
        rows = rows.filter(kind=kind)
    if status in RoundStatus.values:
        rows = rows.filter(status=status)
    if party_id:
        rows = rows.filter(party_id=party_id)
    if since:
        rows = rows.filter(ends_on__gte=since)
    if until:
        rows = rows.filter(starts_on__lte=until)
    if search.strip():
        rows = rows.filter(Q(title__icontains=search.strip()) | Q(party_name__icontains=search.strip()))
    order = {"score": "score", "-score": "-score", "period": "starts_on", "-period": "-starts_on"}.get(sort)
    return rows.order_by(order, "-id") if order else rows.order_by("-starts_on", "-id")


def round_of(round_id: UUID | str, *, by: Actor) -> Round:
    """One round. Raises NotFound, also for rounds `by` may not see: their existence is not told."""
    try:
        row = visible(by).filter(pk=round_id).first()
    except (ValidationError, ValueError) as malformed:
        raise NotFound from malformed
    if row is None:
        raise NotFound
    return row


def rounds_by_id(ids: Iterable[UUID]) -> dict[UUID, Round]:
    """Rounds by id, for loaders; the caller has checked that they may be shown."""
    return Round.objects.defer(*LIST_COLUMNS).in_bulk(list(ids))


def results_of(ids: Iterable[UUID]) -> dict[UUID, Any]:
    """The opened scores of computed and closed rounds, for loaders: one query."""
    rows = Round.objects.filter(pk__in=list(ids), status__in=(RoundStatus.COMPUTED, RoundStatus.CLOSED))
    return dict(rows.values_list("pk", "result"))


def sources_of(round_ids: Iterable[UUID]) -> list[tuple[UUID, Source]]:
    """(round id, source) pairs in order: one query."""
    rows = Source.objects.filter(round_id__in=list(round_ids)).order_by("position", "id")
    return [(row.round_id, row) for row in rows]


def areas_of(round_ids: Iterable[UUID]) -> list[tuple[UUID, Area]]:
    """(round id, area) pairs in order: one query."""
    rows = Area.objects.filter(round_id__in=list(round_ids)).order_by("position", "id")
    return [(row.round_id, row) for row in rows]


def entries_of(source_ids: Iterable[UUID]) -> list[tuple[UUID, Entry]]:
    """(source id, entry) pairs: one query."""
    rows = Entry.objects.filter(source_id__in=list(source_ids)).order_by("area__position", "id")
    return [(row.source_id, row) for row in rows]


def deductions_of(round_ids: Iterable[UUID]) -> list[tuple[UUID, Deduction]]:
    """(round id, deduction) pairs, oldest first: one query."""
    rows = Deduction.objects.filter(round_id__in=list(round_ids)).order_by("happened_at", "id")
    return [(row.round_id, row) for row in rows]


def deductions(
    *, by: Actor, round_id: UUID | None = None, finding_id: UUID | None = None, waived: bool | None = None
) -> QuerySet[Deduction]:
    """Deductions of the rounds `by` may see. Raises NotAllowed."""
    rows = Deduction.objects.filter(round__in=visible(by).values("pk")).order_by("-happened_at", "id")
    if round_id:
        rows = rows.filter(round_id=round_id)
    if finding_id:
        rows = rows.filter(finding_id=finding_id)
    if waived is not None:
        rows = rows.filter(waived=waived)
    return rows


def deduction(deduction_id: UUID, *, by: Actor) -> Deduction:
    """One deduction with its round. Raises NotFound, NotAllowed."""
    row = deductions(by=by).select_related("round").filter(pk=deduction_id).first()
    if row is None:
        raise NotFound
    return row


def source_of(source_id: UUID, *, by: Actor) -> Source:
    """One source of a round `by` may see. Raises NotFound, NotAllowed."""
    row = Source.objects.select_related("round").filter(pk=source_id, round__in=visible(by).values("pk")).first()
    if row is None:
        raise NotFound
    return row


def shows_evidence(actor: Actor, evidence_id: UUID) -> bool:
    """Whether a file is evidence of a deduction the actor may see."""
    try:
        return deductions(by=actor).filter(evidence__contains=[str(evidence_id)]).exists()
    except NotAllowed:
        return False


def opened(row: Round) -> dict[str, Any] | None:
    """The score opened down to each deduction: the stored result, or how it would stand now if it is not computed.

    None while no source has scored yet and nothing can be said.
    """
    if row.status in (RoundStatus.COMPUTED, RoundStatus.CLOSED):
        return row.result
    return None


def progress(row: Round) -> Progress:
    """How many cells are handed in, and which sources are missing."""
    rows = document.rows_of(row)
    total = sum(len(rows.areas) for s in rows.sources if not s.excused)
    missing = missing_cells(rows)
    return Progress(total - len(missing), total, tuple(missing))


def progress_of(round_ids: Iterable[UUID]) -> dict[UUID, tuple[int, int]]:
    """{round id: (cells handed in, cells)} for a list: one query. Excused sources do not count."""
    rows = (
        Entry.objects.filter(source__round_id__in=list(round_ids), source__excused="")
        .values_list("source__round_id")
        .annotate(done=Count("submitted_at"), total=Count("id"))
    )
    return {round_id: (done, total) for round_id, done, total in rows}


def unharmed(row: Round) -> bool:
    """Whether the document of a computed or closed round still agrees with its digest and its rows."""
    if row.result is None:
        return False
    return document.digest_of(row.result) == row.digest == recomputed_digest(row)


def history(*, by: Actor, party_id: UUID, kind: str, until: date, limit: int = 12) -> list[Round]:
    """The last closed rounds of a party and kind up to a day, oldest first, for the chart. Raises NotAllowed."""
    rows = visible(by).filter(party_id=party_id, kind=kind, status=RoundStatus.CLOSED, starts_on__lte=until)
    return list(rows.defer(*LIST_COLUMNS).order_by("-starts_on", "-id")[:limit])[::-1]


def mine_to_score(*, by: Actor) -> list[Source]:
    """Sources of open rounds that `by` may score and that are not complete yet, oldest round first."""
    if not by.may(policies.READ) or not by.roles:
        return []
    rows = (
        Source.objects.select_related("round")
        .defer("round__sheet", "round__result")
        .filter(round__status__in=(RoundStatus.COLLECTING, RoundStatus.COMPUTED), excused="")
        .filter(entries__submitted_at__isnull=True)
        .distinct()
        .order_by("round__starts_on", "position")
    )
    return [row for row in rows if policies.can_score(by, row)]


def counts() -> dict[str, int]:
    """Rounds by status, for the start page."""
    found = dict(Round.objects.values_list("status").annotate(n=Count("id")))
    return {status: found.get(status, 0) for status in RoundStatus.values}


def last_closed(*, by: Actor) -> Round | None:
    """The round closed last, for the leader's page. Raises NotAllowed."""
    return visible(by).filter(status=RoundStatus.CLOSED).defer(*LIST_COLUMNS).order_by("-closed_at").first()
