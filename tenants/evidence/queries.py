"""Reads of evidence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.core.files.storage import default_storage
from django.db import connection
from django.db.models import Q

from identity.contracts import Actor
from kernel.errors import NotAllowed, NotFound
from tenants.evidence import looks, policies
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


def same_pictures(photo: EvidenceContract) -> set[UUID]:
    """Every upload with the bytes of this one, as sent or as kept, itself among them: a picture sent again is found."""
    rows = Evidence.objects.filter(Q(source_sha256=photo.source_sha256) | Q(sha256=photo.sha256))
    return {*rows.values_list("pk", flat=True), photo.id}


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


def nearest_among(*, photo_id: UUID, among: Iterable[UUID], within: int = 24, most: int = 3) -> list[UUID]:
    """The photos of `among` whose perceptual hash is next to this one's: at most `within` of 64 bits apart. One query.

    Two unrelated pictures differ in about 32 bits, a re-saved one in a few, a cropped one in up to twenty.
    """
    wanted = list(set(among))
    if not wanted:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT e.id FROM evidence_evidence e JOIN evidence_evidence p ON p.id = %s"
            " WHERE e.id = ANY(%s) AND e.id <> p.id AND bit_count((e.phash # p.phash)::bit(64)) <= %s"
            " ORDER BY bit_count((e.phash # p.phash)::bit(64)), e.id LIMIT %s",
            [photo_id, wanted, within, most],
        )
        return [row[0] for row in cursor.fetchall()]


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


def same_files(ids: Iterable[UUID]) -> dict[UUID, set[UUID]]:
    """{photo: all photos of the very same file, itself among them}, by the hash of what was sent or kept. Two queries."""
    fields = ("pk", "source_sha256", "sha256")
    own = list(Evidence.objects.filter(pk__in=set(ids)).values_list(*fields))
    hashes = {h for _pk, *both in own for h in both}
    rows = Evidence.objects.filter(Q(source_sha256__in=hashes) | Q(sha256__in=hashes))
    by_hash: dict[str, set[UUID]] = {}
    for pk, *both in rows.values_list(*fields):
        for one in both:
            by_hash.setdefault(one, set()).add(pk)
    return {pk: by_hash[source] | by_hash[kept] for pk, source, kept in own}


_ALIKE = """
SELECT e.id FROM evidence_evidence e
CROSS JOIN LATERAL (
  SELECT count(*) AS words FROM (SELECT unnest(e.look) INTERSECT SELECT unnest(%(words)s::int[])) AS kept
) AS shared
WHERE e.look && %(words)s::int[] AND e.id <> %(own)s AND e.received_at >= %(since)s AND shared.words >= %(likely)s
ORDER BY shared.words DESC, e.id LIMIT %(most)s
"""


def nearest(photo_id: UUID, *, words: Sequence[int], since: datetime, most: int) -> list[UUID]:
    """The photos kept since then that share most of these words, the likeliest first; candidates, no verdicts.

    `words` are those of the photo, or of its mirror image (`looks.words_of`). One index scan. Only photos whose words
    were noted (`operations.note_looks`) are found.
    """
    if not words:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            _ALIKE,
            {"own": photo_id, "words": list(words), "since": since, "likely": looks.LIKELY, "most": most},
        )
        return [row[0] for row in cursor.fetchall()]
