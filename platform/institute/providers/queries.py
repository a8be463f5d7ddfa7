"""Reads of property companies."""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from identity.contracts import Actor
from institute.journal.models import JournalEvent
from institute.journal.queries import events_of
from institute.providers import policies
from institute.providers.contracts import ProviderRef
from institute.providers.models import Provider
from kernel.errors import NotAllowed, NotFound


def as_ref(row: Provider, *, made: bool = False) -> ProviderRef:
    return ProviderRef(id=row.pk, name=row.name, credit_code=row.credit_code, made=made)


def provider(provider_id: UUID) -> ProviderRef:
    """One company. Raises NotFound."""
    row = Provider.objects.filter(pk=provider_id).first()
    if row is None:
        raise NotFound
    return as_ref(row)


def provider_of_code(credit_code: str) -> ProviderRef | None:
    """The company of a unified social credit code, if any school has registered it."""
    row = Provider.objects.filter(credit_code=credit_code.strip().upper()).first()
    return as_ref(row) if row else None


def providers_by_id(ids: Iterable[UUID]) -> dict[UUID, ProviderRef]:
    """Companies by id, missing ones left out: one query."""
    return {row.pk: as_ref(row) for row in Provider.objects.filter(pk__in=list(ids))}


def providers(*, by: Actor, search: str = "", serving: bool | None = None) -> "QuerySet[Provider]":
    """All companies, for the institute, each with `schools`: how many have a contract with it running.

    `serving` keeps those with or without any. Which schools they are is the schools' to tell. Raises NotAllowed.
    """
    if not policies.can_list(by) or not by.may("providers:read"):
        raise NotAllowed
    text = search.strip()
    rows = Provider.objects.annotate(schools=Count("services"))
    if serving is not None:
        rows = rows.filter(schools__gt=0) if serving else rows.filter(schools=0)
    return rows.filter(Q(name__icontains=text) | Q(credit_code__istartswith=text)) if text else rows


def listed_provider(provider_id: UUID, *, by: Actor) -> Provider:
    """One company as the list shows it. Raises NotAllowed, NotFound."""
    row = providers(by=by).filter(pk=provider_id).first()
    if row is None:
        raise NotFound
    return row


def events_for(by: Actor, provider: Provider) -> "QuerySet[JournalEvent]":
    """What was done about a company, newest first. Raises NotAllowed."""
    if not policies.can_list(by):
        raise NotAllowed
    return events_of(provider)
