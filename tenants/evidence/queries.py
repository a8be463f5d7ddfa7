"""Reads of evidence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.core.files.storage import default_storage
from django.db.models import Q

from identity.contracts import Actor
from kernel.errors import NotAllowed, NotFound
from tenants.evidence import policies
from tenants.evidence.choices import EvidenceKind
from tenants.evidence.contracts import EvidenceContract
from tenants.evidence.models import Evidence

_FIELDS = tuple(EvidenceContract.__dataclass_fields__)


def readable(*, evidence_id: UUID, by: Actor) -> Evidence:
    """The row with its storage paths, for the view that serves the bytes. Raises NotFound, NotAllowed."""
    row = Evidence.objects.filter(pk=evidence_id).first()
    if row is None:
        raise NotFound
    if not policies.can_read(by, row):
        raise NotAllowed
    return row


def contracts_of(ids: Iterable[UUID]) -> dict[UUID, EvidenceContract]:
    """Contracts by id, in one query. The caller has checked that the owner of the evidence may be read."""
    wanted = set(ids)
    if not wanted:
        return {}
    return {row["id"]: EvidenceContract(**row) for row in Evidence.objects.filter(pk__in=wanted).values(*_FIELDS)}


def existing(ids: Iterable[UUID], *, by: Actor) -> list[UUID]:
    """Those of `ids` that exist here and that `by` sent or may read, in the order given, without repeats."""
    wanted = list(dict.fromkeys(ids))
    rows = {row.pk: row for row in Evidence.objects.filter(pk__in=wanted)} if wanted else {}
    return [i for i in wanted if i in rows and policies.can_read(by, rows[i])]


def photo_bytes(*, evidence_id: UUID) -> bytes:
    """The kept copy of a photo, for a feature that works on it; who may see it was asked when its id was taken.

    Raises NotFound (no such photo, or its file is gone).
    """
    row = Evidence.objects.filter(pk=evidence_id, kind=EvidenceKind.PHOTO).first()
    if row is None or not default_storage.exists(row.path):
        raise NotFound
    with default_storage.open(row.path) as handle:
        return bytes(handle.read())


@dataclass(frozen=True, slots=True)
class Thumb:
    """Where a photo's thumbnail lies, and the hash of what was sent."""

    thumb_path: str
    source_sha256: str


def thumbs(ids: Iterable[UUID]) -> dict[UUID, Thumb]:
    """Thumbnails by photo id, for comparing pictures in the background; files and missing ones left out. One query."""
    rows = Evidence.objects.filter(pk__in=set(ids)).exclude(thumb_path="")
    return {row[0]: Thumb(row[1], row[2]) for row in rows.values_list("pk", "thumb_path", "source_sha256")}


def same_bytes(ids: Iterable[UUID]) -> set[UUID]:
    """All photos and files, these included, whose bytes as sent or as kept are those of one of `ids`. One query."""
    mine = Evidence.objects.filter(pk__in=set(ids))
    same = Q(sha256__in=mine.values("sha256")) | Q(source_sha256__in=mine.values("source_sha256"))
    return set(Evidence.objects.filter(same).values_list("pk", flat=True))


def small_pictures(ids: Iterable[UUID]) -> dict[UUID, bytes]:
    """The thumbnails themselves, by photo id; files and those whose file is gone are left out. One query."""
    found: dict[UUID, bytes] = {}
    for pk, thumb in thumbs(ids).items():
        if default_storage.exists(thumb.thumb_path):
            with default_storage.open(thumb.thumb_path) as handle:
                found[pk] = bytes(handle.read())
    return found
