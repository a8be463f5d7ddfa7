"""Files from strangers."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from PIL import Image

from institute.applications import files, operations, queries
from institute.applications.choices import DocumentKind
from institute.applications.models import ApplicationDocument
from institute.journal.models import JournalEvent
from kernel.errors import Invalid, NotAllowed, NotFound
from tests.factories.applications import NOW, PDF, VISITOR, admin, analyst, make_draft, make_submitted, png

L = DocumentKind.LETTER


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few hundred bytes that claims to be enormous."""
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * 100_000, 9)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        (b"", files.FileEmpty),
        (b"MZ\x90\x00" + b"\0" * 400, files.FileTypeRefused),  # a program called letter.pdf
        (b"<html><script>alert(1)</script></html>", files.FileTypeRefused),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", files.FileTypeRefused),
        (b"PK\x03\x04" + b"\0" * 200, files.FileTypeRefused),
        (b"GIF89a" + b"\0" * 200, files.FileTypeRefused),
        (b"%PDF-1.7\nno end", files.FileDamaged),
        (png()[:60], files.FileDamaged),
        (b"\xff\xd8\xff\xe0" + b"junk" * 50, files.FileDamaged),
        (bomb(60_000, 60_000), files.FileDamaged),
        (bomb(8_000, 8_000), files.FileDamaged),
        (PDF + b"\0" * (11 * 1024 * 1024), files.FileTooLarge),
    ],
)
def test_judged_by_content(data: bytes, refusal: type[Invalid]) -> None:
    with pytest.raises(refusal) as refused:
        files.check(data=data, name="letter.pdf", kind=L)
    assert refused.value.field == "file"


def test_pictures_are_drawn_anew_so_nothing_rides_along() -> None:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    Image.new("RGB", (30, 20), "red").save(out, "JPEG", exif=exif)
    checked = files.check(data=out.getvalue() + b"<?php system('id'); ?>", name="a.php", kind=L)
    assert checked.content_type == "image/jpeg" and checked.name == "a.jpg"
    assert b"php" not in checked.data and b"SecretCamera" not in checked.data
    assert Image.open(io.BytesIO(checked.data)).size == (30, 20)


def test_a_picture_is_known_whatever_it_calls_itself() -> None:
    assert files.check(data=png(), name="scan.pdf", kind=L).name == "scan.png"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd.pdf", "passwd.pdf"),
        ("C:\\Users\\a\\申报函.pdf", "申报函.pdf"),
        ("letter.pdf.exe", "letter.pdf"),
        ("letter\x00.exe.pdf", "letter.pdf"),
        ("rcs\u202efdp.exe", "rcsfdp.pdf"),
        ("<img src=x>.pdf", "img src=x.pdf"),
        ("....", "盖章申报函.pdf"),
        ("", "盖章申报函.pdf"),
        ("申报函".encode("gb18030").decode("utf-8", "replace") + ".pdf", "盖章申报函.pdf"),
        ("长" * 300 + ".pdf", "长" * 100 + ".pdf"),
    ],
)
def test_names_are_shown_without_tricks(name: str, shown: str) -> None:
    assert files.shown_name(name, "pdf", L) == shown


@pytest.mark.django_db
def test_paths_are_made_of_ids_and_files_go_with_their_rows(
    settings: Any, tmp_path: Path, django_capture_on_commit_callbacks: Any
) -> None:
    settings.MEDIA_ROOT = tmp_path
    application, token = make_draft(complete=False)
    document = operations.add_document(token=token, kind="letter", name="../../x.pdf", data=PDF, by=VISITOR, now=NOW)
    assert document.path == f"public/applications/{application.pk}/{document.pk}.pdf"
    assert (tmp_path / document.path).read_bytes() == PDF and document.name == "x.pdf"
    with pytest.raises(operations.DocumentKnown):
        operations.add_document(token=token, kind="other", name="y.pdf", data=PDF, by=VISITOR, now=NOW)
    with pytest.raises(Invalid):
        operations.add_document(token=token, kind="virus", name="y.pdf", data=PDF + b"%%EOF", by=VISITOR, now=NOW)
    with django_capture_on_commit_callbacks(execute=True):
        operations.remove_document(token=token, document_id=document.pk, by=VISITOR, now=NOW)
    assert not default_storage.exists(document.path)


@pytest.mark.django_db
def test_the_journal_says_which_files_came_and_went(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path
    application, token = make_draft(complete=False)
    document = operations.add_document(token=token, kind="letter", name="申报函.pdf", data=PDF, by=VISITOR, now=NOW)
    with pytest.raises(operations.DocumentKnown):
        operations.add_document(token=token, kind="other", name="y.pdf", data=PDF, by=VISITOR, now=NOW)
    with pytest.raises(NotFound):
        operations.remove_document(token=token, document_id=application.pk, by=VISITOR, now=NOW)
    operations.remove_document(token=token, document_id=document.pk, by=VISITOR, now=NOW)
    told = JournalEvent.objects.filter(subject_id=str(application.pk), verb__startswith="application.document_")
    assert [e.verb for e in told.order_by("id")] == ["application.document_added", "application.document_removed"]
    for event in told:  # a refused one leaves nothing
        assert document.name in event.sentence and str(DocumentKind.LETTER.label) in event.sentence
        assert event.payload == {"document": str(document.pk), "kind": "letter", "sha256": document.sha256}
        assert event.actor_name == (application.contact_name or "申报单位")


@pytest.mark.django_db
def test_twenty_documents_are_enough(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path
    _, token = make_draft(complete=False)
    for n in range(files.MAX_DOCUMENTS):
        data = PDF + f"%{n}\n%%EOF".encode()
        operations.add_document(token=token, kind="other", name="a.pdf", data=data, by=VISITOR, now=NOW)
    with pytest.raises(operations.TooManyDocuments):
        operations.add_document(token=token, kind="other", name="a.pdf", data=PDF, by=VISITOR, now=NOW)


@pytest.mark.django_db
def test_a_file_is_reached_through_its_own_application_only() -> None:
    one, token = make_submitted()
    other, _ = make_submitted()
    theirs: ApplicationDocument = other.documents.first()  # type: ignore[assignment]
    with pytest.raises(NotFound):
        queries.document_by_link(token, theirs.pk, now=NOW)
    by = admin()
    with pytest.raises(NotFound):
        queries.document_for(one.pk, theirs.pk, by=by)
    assert queries.document_for(other.pk, theirs.pk, by=by) == theirs
    with pytest.raises(NotAllowed):
        queries.document_for(other.pk, theirs.pk, by=analyst())
