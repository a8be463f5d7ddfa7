"""Facts about people that rosters ask of the organisation: employment, posts they may take, certificates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from tenants.organisation import queries as organisation
from tenants.organisation.choices import CertificateKind
from tenants.rosters.errors import CertificateLacking, DayOutside, NotEmployed, PostOfOthers

YEARS = range(2000, 2100)


def check_employed(person: Any, day: date) -> None:
    """Raise NotEmployed when the day lies before the first or after the last day of work."""
    if person.hired_on and day < person.hired_on:
        raise NotEmployed(name=person.name, day=day_text(day), why=f"{day_text(person.hired_on)}入职")
    if person.left_on and day > person.left_on:
        raise NotEmployed(name=person.name, day=day_text(day), why=f"{day_text(person.left_on)}离职")


def check_days(*days: date, field: str = "day") -> None:
    """Raise DayOutside where a year was mistyped."""
    if any(d.year not in YEARS for d in days):
        raise DayOutside(field=field)


def check_post(person: Any, post: Any, parties: Mapping[UUID, Any]) -> None:
    """A person works at posts of their own party, or of another contract of the same company."""
    if post.party_id == person.party_id:
        return
    own, other = parties.get(person.party_id), parties.get(post.party_id)
    if own and other and own.provider_id and own.provider_id == other.provider_id:
        return
    raise PostOfOthers(post=post.name, name=person.name)


Need = tuple[UUID, UUID, date]  # person, post, day


def lacking(needs: Iterable[Need]) -> dict[Need, list[str]]:
    """Labels of certificates that a post requires and a person has not on the day; who lacks nothing is left out."""
    found = organisation.missing_certificates(needs)
    return {need: [str(CertificateKind(lack.kind).label) for lack in lacks] for need, lacks in found.items()}


def certificate_refusal(name: str, day: date, post: str, kinds: list[str]) -> CertificateLacking:
    return CertificateLacking(name=name, day=day_text(day), kinds="、".join(kinds), post=post)


def day_text(day: date) -> str:
    return f"{day.month}月{day.day}日"


def posts_of(staff: Iterable[Any], cells: Mapping[Any, Iterable[Mapping[str, Any]]]) -> list[Any]:
    """The posts of these people, and those named in their cells: one query."""
    ids = {p.post_id for p in staff if p.post_id}
    ids |= {UUID(i["post"]) for items in cells.values() for i in items if i["post"]}
    return sorted(organisation.posts_by_id(ids).values(), key=lambda p: str(p.name))
