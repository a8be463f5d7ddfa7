"""Hostile uploads, clean copies, one file per content, nothing half."""

from __future__ import annotations

import errno
import io
import zipfile
import zlib
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.files.storage import FileSystemStorage, default_storage
from PIL import Image

from identity.choices import Role
from identity.contracts import Actor
from kernel import clock
from kernel.errors import NotAllowed, NotFound
from kernel.tenancy import Tenant
from tenants.evidence import operations, pictures, queries
from tenants.evidence.models import Evidence
from tests.factories.findings import make_finding, make_member, make_photo, picture
from tests.factories.organisation import make_party

NOW = clock.now()


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


def keep(alpha: Tenant, data: bytes, **fields: object) -> Evidence:
    return operations.keep_photo(
        upload=data, name="IMG_1.jpg", by=fields.pop("by", None) or make_member(alpha), tenant=alpha, now=NOW, **fields
    )


def with_gps(seed: int = 1) -> bytes:
    exif = Image.Exif()
    exif[0x0132] = "2026:11:20 08:30:00"
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (23.0, 7.0, 30.0)
    exif[0x010F] = "SecretPhone"
    return picture(seed, exif=exif, comment=b"hello")


def test_a_photo_loses_place_and_maker_and_keeps_its_time(alpha: Tenant) -> None:
    row = keep(alpha, with_gps())
    stored = default_storage.open(row.path).read()
    assert b"SecretPhone" not in stored and b"hello" not in stored
    assert not Image.open(io.BytesIO(stored)).getexif()
    assert (row.taken_at.astimezone(alpha.tz).isoformat(), row.received_at) == ("2026-11-20T08:30:00+08:00", NOW)
    assert row.path == f"s_alpha/evidence/{row.sha256[:2]}/{row.sha256}.jpg"
    assert row.sha256 != row.source_sha256
    assert max(Image.open(default_storage.open(row.thumb_path)).size) <= 400


def test_a_time_ahead_of_the_server_is_no_claim(alpha: Tenant) -> None:
    from datetime import timedelta

    assert keep(alpha, picture(1), taken_at=NOW + timedelta(days=1)).taken_at is None
    assert keep(alpha, picture(1), taken_at=NOW - timedelta(days=1)).taken_at == NOW - timedelta(days=1)


def test_it_stands_upright(alpha: Tenant) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    row = keep(alpha, picture(1, size=(80, 40), exif=exif))
    assert (row.width, row.height) == (40, 80)


def test_the_same_content_is_stored_once(alpha: Tenant) -> None:
    one, two = keep(alpha, picture(5)), keep(alpha, picture(5))
    assert one.pk != two.pk and one.path == two.path
    assert len([p for p in Path(default_storage.location).rglob("*") if p.is_file()]) == 2  # copy and thumbnail


def test_a_resent_upload_is_the_same_row(alpha: Tenant) -> None:
    by = make_member(alpha)
    assert keep(alpha, picture(5), by=by, client_key="k").pk == keep(alpha, picture(5), by=by, client_key="k").pk
    assert keep(alpha, picture(5), client_key="k") and Evidence.objects.count() == 2  # another person's key is another


def bomb() -> bytes:
    """A PNG of 40,000 × 40,000 pixels in a few kilobytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    size = (40_000).to_bytes(4, "big")
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", size + size + b"\x01\x00\x00\x00\x00")
        + chunk(b"IDAT", zlib.compress(b"\x00" * 5001 * 100))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        (b"", operations.EmptyFile),
        (b"x" * (operations.MAX_BYTES + 1), operations.TooLarge),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", operations.NotAPhoto),
        (b"<html><script>alert(1)</script></html>", operations.NotAPhoto),
        (b"\xff\xd8\xff\xe0" + b"junk" * 50, operations.NotAPhoto),
        (picture(1)[:-400], operations.NotAPhoto),
        (picture(1, form="GIF"), operations.NotAPhoto),
        (picture(1, form="BMP"), operations.NotAPhoto),
        (b"%PDF-1.7 not a photo", operations.NotAPhoto),
        (bomb(), operations.PhotoTooLarge),
    ],
    ids=["empty", "huge", "svg", "html", "fake jpeg", "cut off", "gif", "bmp", "pdf", "bomb"],
)
def test_hostile_pictures(alpha: Tenant, data: bytes, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        keep(alpha, data)
    assert not Evidence.objects.exists() and not any(Path(default_storage.location).rglob("*.*"))


def test_a_picture_that_is_also_a_page_is_cleaned(alpha: Tenant) -> None:
    row = keep(alpha, picture(1) + b"<script>alert(1)</script>")
    assert b"script" not in default_storage.open(row.path).read()


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_other_formats_become_jpeg(alpha: Tenant, form: str) -> None:
    assert keep(alpha, picture(3, form=form)).mime == "image/jpeg"


def office(name: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as book:
        book.writestr("[Content_Types].xml", "<Types/>" * 10)
        book.writestr("_rels/.rels", "<Relationships/>")
        book.writestr(name, "<x/>")
    return out.getvalue()


def test_files_are_judged_by_content(alpha: Tenant) -> None:
    by = make_member(alpha)

    def keep_file(data: bytes, name: str) -> Evidence:
        return operations.keep_file(upload=data, name=name, by=by, tenant=alpha, now=NOW)

    kept = keep_file(b"%PDF-1.7\n%...", "../../etc/整改方案.exe")
    assert (kept.name, kept.mime) == ("整改方案.pdf", "application/pdf")
    assert kept.path.startswith("s_alpha/evidence/")
    assert keep_file(office("word/document.xml"), "a.docx").path.endswith(".docx")
    assert keep_file(office("xl/workbook.xml"), "a.xlsx").path.endswith(".xlsx")
    assert keep_file(picture(1), "a.pdf").kind == "photo"
    for data in (b"MZ\x90\x00" + b"x" * 500, b"<html>", office("evil/x.js"), b"plain text"):
        with pytest.raises(operations.FileKindRefused):
            keep_file(data, "a.pdf")


class FullDisk(FileSystemStorage):
    """Writes half of every file, then the disk is full."""

    def _save(self, name: str, content: object) -> str:
        Path(self.path(name)).parent.mkdir(parents=True, exist_ok=True)
        Path(self.path(name)).write_bytes(content.read()[:100])
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_leaves_nothing_half(alpha: Tenant, settings, tmp_path: Path) -> None:
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": f"{FullDisk.__module__}.FullDisk"}}
    with pytest.raises(operations.StorageFull) as refused:
        keep(alpha, picture(1))
    assert "空间不足" in refused.value.sentence
    assert not Evidence.objects.exists() and not [p for p in tmp_path.rglob("*") if p.is_file()]


def test_a_file_torn_by_a_crash_is_written_again(alpha: Tenant) -> None:
    row = keep(alpha, picture(9))
    Path(default_storage.path(row.path)).write_bytes(b"torn")
    again = keep(alpha, picture(9))
    assert default_storage.size(again.path) == row.size


def test_who_may_read(alpha: Tenant) -> None:
    party = make_party("contract")
    manager = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=party.provider_id)
    rival = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=uuid4())
    supervisor = make_member(alpha)
    photo, unused = make_photo(alpha, supervisor), make_photo(alpha, supervisor)
    make_finding(alpha, by=supervisor, party=party, photo_ids=[photo.pk])
    assert queries.readable(evidence_id=photo.pk, by=manager).pk == photo.pk
    for actor, hidden in ((rival, photo), (manager, unused), (Actor.anonymous(), photo)):
        with pytest.raises(NotAllowed):
            queries.readable(evidence_id=hidden.pk, by=actor)
    own = make_photo(alpha, rival)
    assert queries.readable(evidence_id=own.pk, by=rival).pk == own.pk
    with pytest.raises(NotFound):
        queries.readable(evidence_id=uuid4(), by=supervisor)
    with pytest.raises(NotAllowed):
        keep(alpha, picture(1), by=Actor.anonymous())


def test_alike_pictures_have_alike_hashes(alpha: Tenant) -> None:
    a, b = keep(alpha, picture(8, size=(640, 480))), keep(alpha, picture(8, size=(640, 480), quality=40))
    other = keep(alpha, picture(77, size=(640, 480)))
    assert pictures.distance(a.phash, b.phash) <= 6 < 10 < pictures.distance(a.phash, other.phash)
