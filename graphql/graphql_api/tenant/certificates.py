"""The certificate ledger and what it adds up to. Scope: organisation:read."""

from __future__ import annotations

from datetime import date
from typing import Any

import graphene

from kernel import clock
from kernel.errors import NotAllowed
from tenants.organisation import ledger, metrics, policies

MOST = 100  # rows of a page


class LedgerRowType(graphene.ObjectType):
    """One person × kind of certificate: the one that lasts longest, or that a required one is missing."""

    class Meta:
        name = "CertificateLedgerRow"

    staff_id = graphene.NonNull(graphene.UUID)
    staff_number = graphene.NonNull(graphene.String)
    name = graphene.NonNull(graphene.String)
    party_id = graphene.NonNull(graphene.UUID)
    party_name = graphene.NonNull(graphene.String)
    post_name = graphene.NonNull(graphene.String)
    required = graphene.NonNull(graphene.Boolean, description="The person's post requires it")
    kind = graphene.NonNull(graphene.String)
    state = graphene.NonNull(graphene.String)
    certificate_id = graphene.UUID()
    number = graphene.NonNull(graphene.String)
    issued_on = graphene.Date()
    review_on = graphene.Date()
    expires_on = graphene.Date()
    scan_id = graphene.UUID()
    days_left = graphene.Int(description="To the end or review; negative after it")

    @staticmethod
    def resolve_kind(row: Any, info: graphene.ResolveInfo) -> str:
        return str(row.kind.value)

    @staticmethod
    def resolve_state(row: Any, info: graphene.ResolveInfo) -> str:
        return str(row.state.value)


class StateCount(graphene.ObjectType):
    state = graphene.NonNull(graphene.String)
    n = graphene.NonNull(graphene.Int)


class LedgerType(graphene.ObjectType):
    """The certificate ledger: counts of every state, and a page of rows, worst first."""

    class Meta:
        name = "CertificateLedger"

    answer = graphene.NonNull(graphene.String, description="The sentence that answers whether they have lapsed")
    counts = graphene.NonNull(graphene.List(graphene.NonNull(StateCount)))
    rows = graphene.NonNull(graphene.List(graphene.NonNull(LedgerRowType)))
    total_count = graphene.NonNull(graphene.Int, description="Rows of the chosen state")


class ReadingType(graphene.ObjectType):
    """A metric's numbers; never a bare percentage."""

    class Meta:
        name = "CertificateReading"

    line = graphene.NonNull(graphene.String, description="Empty: the whole school")
    numerator = graphene.NonNull(graphene.Int)
    denominator = graphene.NonNull(graphene.Int)
    n = graphene.NonNull(graphene.Int)
    coverage = graphene.NonNull(graphene.Float)


class CertificatesQuery(graphene.ObjectType):
    """Reads of certificates."""

    certificate_ledger = graphene.Field(
        graphene.NonNull(LedgerType),
        search=graphene.String(default_value=""),
        party_id=graphene.UUID(),
        post_id=graphene.UUID(),
        kind=graphene.String(default_value="", description="A kind, or special_work, special_equipment"),
        state=graphene.String(default_value="", description="A state, or bad, near"),
        limit=graphene.Int(default_value=20, description=f"{MOST} at most"),
        offset=graphene.Int(default_value=0),
    )
    certificate_validity = graphene.Field(
        graphene.NonNull(graphene.List(graphene.NonNull(ReadingType))),
        description="The metric certificate_validity as of a day (today): required certificates in force / required",
        day=graphene.Date(),
    )

    @staticmethod
    def resolve_certificate_ledger(
        root: None, info: graphene.ResolveInfo, limit: int, offset: int, **filters: Any
    ) -> LedgerType:
        found = ledger.ledger(by=info.context.actor, today=_today(info), **filters)
        start = max(0, offset)
        return LedgerType(
            answer=ledger.answer(found, whose="", which="证书"),
            counts=[StateCount(state=s.value, n=n) for s, n in found.counts.items()],
            rows=found.rows[start : start + min(max(1, limit), MOST)],
            total_count=len(found.rows),
        )

    @staticmethod
    def resolve_certificate_validity(
        root: None, info: graphene.ResolveInfo, day: date | None = None
    ) -> list[ReadingType]:
        if not policies.can_read_all(info.context.actor):
            raise NotAllowed
        return [
            ReadingType(
                line=r.line, numerator=int(r.numerator), denominator=int(r.denominator), n=r.n,
                coverage=float(r.coverage),
            )
            for r in metrics.on_day(day or _today(info))
        ]  # fmt: skip


def _today(info: graphene.ResolveInfo) -> date:
    today: date = clock.now().astimezone(info.context.tenant.tz).date()
    return today
