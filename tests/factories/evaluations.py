"""Rounds, ready to score. Run inside a school (`alpha`)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID, uuid4

from identity.choices import Role
from identity.contracts import Actor
from kernel.tenancy import Tenant
from tenants.evaluations import operations
from tenants.evaluations.choices import Combine, RoundKind, SourceMode
from tenants.evaluations.contracts import AreaSpec, SourceSpec
from tenants.evaluations.models import Round
from tenants.organisation.models import Party
from tenants.rubrics.models import Rubric
from tests.factories.organisation import make_contract
from tests.factories.rubrics import make_rubric

NOW = datetime(2026, 11, 3, 9, 0, tzinfo=UTC)


def actor(tenant: Tenant, *roles: Role, name: str = "李主任", provider_id: UUID | None = None) -> Actor:
    """Somebody with `roles` in the school."""
    return Actor(
        account_id=uuid4(),
        name=name,
        roles=frozenset(roles),
        school_id=tenant.school_id,
        provider_ids=frozenset({provider_id} if provider_id else ()),
    )


def admin(tenant: Tenant) -> Actor:
    return actor(tenant, Role.SCHOOL_ADMIN, name="管理员")


def supervisor(tenant: Tenant) -> Actor:
    return actor(tenant, Role.SCHOOL_SUPERVISOR, name="王督导")


def any_rubric() -> Rubric:
    """The school's first rubric, made when there is none."""
    return Rubric.objects.order_by("created_at").first() or make_rubric()


OFFICE = SourceSpec("后勤处", Decimal(70), SourceMode.SHEET, takes_findings=True)
USERS = SourceSpec("使用单位", Decimal(30))


def make_round(
    tenant: Tenant,
    *,
    party: Party | None = None,
    rubric: Rubric | None = None,
    sources: tuple[SourceSpec, ...] = (OFFICE, USERS),
    areas: tuple[AreaSpec, ...] = (),
    combine: Combine = Combine.MEAN,
    month: int = 10,
    opened: bool = True,
) -> Round:
    """A monthly round of 2026, open for scoring."""
    row = operations.create_round(
        kind=RoundKind.MONTHLY,
        starts_on=date(2026, month, 1),
        ends_on=date(2026, month, 28),
        party_id=(party or make_contract()).pk,
        rubric_id=(rubric or any_rubric()).pk,
        sources=sources,
        areas=areas,
        combine=combine,
        by=admin(tenant),
        tenant=tenant,
    )
    return operations.open_round(round_id=row.pk, by=admin(tenant), tenant=tenant) if opened else row


def hand_in_all(row: Round, tenant: Tenant, *, raw: str = "90") -> None:
    """Every source scores: sheets as they stand, the others `raw`."""
    for source in row.sources.all():
        for area in row.areas.all():
            cell = {"round_id": row.pk, "source_id": source.pk, "area_id": area.pk}
            if source.mode == SourceMode.SHEET:
                operations.hand_in_sheet(**cell, by=admin(tenant), tenant=tenant, now=NOW)
            else:
                operations.give_score(**cell, raw=Decimal(raw), by=admin(tenant), tenant=tenant, now=NOW)


def closed_round(tenant: Tenant, *, raw: str = "90", **fields: object) -> Round:
    """A round scored, computed and closed."""
    row = make_round(tenant, **fields)  # type: ignore[arg-type]
    hand_in_all(row, tenant, raw=raw)
    operations.compute_round(round_id=row.pk, by=admin(tenant), tenant=tenant, now=NOW)
    return operations.close_round(round_id=row.pk, by=admin(tenant), tenant=tenant, now=NOW)
