"""Keeping photos and files."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import PurePosixPath
from typing import IO, Any
from uuid import UUID

import filetype
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from identity.contracts import Actor
from kernel.errors import DomainError, NotAllowed
from kernel.tenancy import Tenant
from tenants.evidence import looks, pictures, policies
from tenants.evidence.choices import EvidenceKind
from tenants.evidence.models import Evidence

MAX_BYTES = 12 * 1024 * 1024
MAX_CLAIM_AHEAD = 300  # seconds a phone's clock may run ahead before its claimed time is dropped
FILE_TYPES = {  # what may be kept besides photos, by content: mime → extension
    "application/pdf": "pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/mp4": "m4a",
    "audio/x-wav": "wav",
    "audio/webm": "webm",  # what MediaRecorder makes
}


class TooLarge(DomainError):
    code = "file_too_large"
    message = _("文件超过 12 MB，请压缩或重新拍摄后再上传。")


class EmptyFile(DomainError):
    code = "file_empty"
    message = _("文件是空的，请重新选择。")


class NotAPhoto(DomainError):
    code = "not_a_photo"
    message = _("这不是可用的照片（支持 JPG、PNG、WebP），请重新拍摄或选择。")


class PhotoTooLarge(DomainError):
    code = "photo_too_many_pixels"
    message = _("照片的像素过大，无法处理，请用手机相机重新拍摄。")


class FileKindRefused(DomainError):
    code = "file_kind_refused"
    message = _("不支持这种文件，请上传照片、录音、PDF、Word（docx）或 Excel（xlsx）。")


class StorageFull(DomainError):
    code = "storage_full"
    message = _("服务器存储空间不足，照片没有保存。请稍后重试，并通知系统管理员清理空间；手机上待上传的内容会保留。")


class StorageDown(DomainError):
    code = "storage_unavailable"
    message = _("文件存储暂时不可用，没有保存。请稍后重试；手机上待上传的内容会保留。")


def _bytes_of(upload: IO[bytes] | bytes) -> bytes:
    data = upload if isinstance(upload, bytes) else upload.read(MAX_BYTES + 1)
    if not data:
        raise EmptyFile(field="file")
    if len(data) > MAX_BYTES:
        raise TooLarge(field="file")
    return data


def _store(path: str, data: bytes) -> str:
    """Write once per content: a whole file already there is kept. A failed write leaves nothing behind."""
    name = path
    try:
        if default_storage.exists(path):
            if default_storage.size(path) == len(data):
                return path
            default_storage.delete(path)  # torn by a crash in the middle of an earlier write
        name = default_storage.save(path, ContentFile(data))
    except OSError as failed:
        with suppress(OSError):
            default_storage.delete(name)
        raise (StorageFull if failed.errno in (errno.ENOSPC, errno.EDQUOT) else StorageDown) from failed
    return name


def _believable(taken_at: datetime | None, now: datetime) -> datetime | None:
    """A claimed time in the future is no claim; the server's own time stands beside it anyway."""
    if taken_at is None or (taken_at - now).total_seconds() > MAX_CLAIM_AHEAD:
        return None
    return taken_at


def _earlier(by: Actor, client_key: str) -> Evidence | None:
    if not client_key or by.account_id is None:
        return None
    return Evidence.objects.filter(account_id=by.account_id, client_key=client_key).first()


def _create(by: Actor, client_key: str, values: dict[str, Any]) -> Evidence:
    values = {**values, "account_id": by.account_id}
    if not client_key or by.account_id is None:
        return Evidence.objects.create(**values)
    row, _made = Evidence.objects.get_or_create(account_id=by.account_id, client_key=client_key, defaults=values)
    return row


@transaction.atomic
def keep_photo(
    *,
    upload: IO[bytes] | bytes,
    name: str,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    taken_at: datetime | None = None,
    place_id: UUID | None = None,
    client_key: str = "",
) -> Evidence:
    """Keep a photo: clean copy without EXIF or GPS, thumbnail, hashes, server time.

    `client_key` makes a resent upload the same row. Raises NotAllowed, EmptyFile, TooLarge,
    NotAPhoto, PhotoTooLarge, StorageFull, StorageDown; then neither a row nor half a file remains.
    """
    if not policies.can_keep(by):
        raise NotAllowed
    client_key = client_key[:80]
    if earlier := _earlier(by, client_key):
        return earlier
    data = _bytes_of(upload)
    try:
        picture = pictures.read_picture(data, tz=tenant.tz)
    except pictures.TooManyPixels as bomb:
        raise PhotoTooLarge(field="photo") from bomb
    except pictures.NotAPicture as wrong:
        raise NotAPhoto(field="photo") from wrong
    sha256 = hashlib.sha256(picture.jpeg).hexdigest()
    folder = f"{tenant.schema}/evidence/{sha256[:2]}"
    path = _store(f"{folder}/{sha256}.jpg", picture.jpeg)
    thumb = _store(f"{folder}/{sha256}.thumb.jpg", picture.thumb)
    return _create(
        by,
        client_key,
        {
            "kind": EvidenceKind.PHOTO,
            "name": (PurePosixPath(name.replace("\\", "/")).stem[:190] or "照片") + ".jpg",
            "mime": "image/jpeg",
            "size": len(picture.jpeg),
            "sha256": sha256,
            "source_sha256": hashlib.sha256(data).hexdigest(),
            "phash": picture.phash,
            "width": picture.width,
            "height": picture.height,
            "path": path,
            "thumb_path": thumb,
            "taken_at": _believable(taken_at or picture.taken_at, now),
            "received_at": now,
            "place_id": place_id,
        },
    )


@transaction.atomic
def keep_file(
    *,
    upload: IO[bytes] | bytes,
    name: str,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    place_id: UUID | None = None,
    client_key: str = "",
) -> Evidence:
    """Keep a document (PDF, docx, xlsx; judged by content) as it is; a picture goes the way of `keep_photo`.

    Raises NotAllowed, EmptyFile, TooLarge, FileKindRefused, StorageFull, StorageDown and, for
    pictures, what keep_photo raises.
    """
    if not policies.can_keep(by):
        raise NotAllowed
    client_key = client_key[:80]
    if earlier := _earlier(by, client_key):
        return earlier
    data = _bytes_of(upload)
    kind = filetype.guess(data[:8192])
    mime = kind.mime if kind else ""
    if mime == "video/webm" and b"A_OPUS" in data[:4096] and b"V_" not in data[:4096]:
        mime = "audio/webm"  # the container is one; the tracks tell a voice from a film
    if mime == "video/mp4" and b"mp4a" in data and b"vide" not in data:
        mime = "audio/mp4"
    if mime.startswith("image/"):
        return keep_photo(
            upload=data, name=name, by=by, tenant=tenant, now=now, place_id=place_id, client_key=client_key
        )
    extension = FILE_TYPES.get(mime)
    if extension is None:
        raise FileKindRefused(field="file")
    sha256 = hashlib.sha256(data).hexdigest()
    path = _store(f"{tenant.schema}/evidence/{sha256[:2]}/{sha256}.{extension}", data)
    stem = PurePosixPath(name.replace("\\", "/")).stem[:190] or "文件"
    return _create(
        by,
        client_key,
        {
            "kind": EvidenceKind.FILE,
            "name": f"{stem}.{extension}",
            "mime": mime,
            "size": len(data),
            "sha256": sha256,
            "source_sha256": sha256,
            "path": path,
            "received_at": now,
            "place_id": place_id,
        },
    )


def note_looks(*, evidence_ids: Iterable[UUID]) -> int:
    """Write down the words by which copies of these photos are found. Returns how many were noted.

    Reads each thumbnail: for the background, outside of any transaction and lock. A file that is gone has no words.
    """
    rows = Evidence.objects.filter(pk__in=list(evidence_ids), kind=EvidenceKind.PHOTO, look__isnull=True)
    noted = 0
    for pk, path in rows.values_list("pk", "thumb_path"):
        words: list[int] = []
        with suppress(OSError), default_storage.open(path) as file:
            words = looks.words_of(file.read())
        noted += Evidence.objects.filter(pk=pk, look__isnull=True).update(look=words)
    return noted


@transaction.atomic
def erase(*, evidence_ids: Iterable[UUID], by: Actor) -> int:
    """Delete evidence that must be forgotten; the bytes go after the commit, where no other row has the same content.

    For features that owned it and have asked their own policy. Unknown ids are passed over. Returns how many.
    """
    rows = list(Evidence.objects.select_for_update().filter(pk__in=list(evidence_ids)))
    Evidence.objects.filter(pk__in=[row.pk for row in rows]).delete()
    shared = set(Evidence.objects.filter(path__in=[row.path for row in rows]).values_list("path", flat=True))
    for row in rows:
        if row.path not in shared:
            for path in filter(None, (row.path, row.thumb_path)):
                transaction.on_commit(partial(_remove_bytes, path))
    return len(rows)


def _remove_bytes(path: str) -> None:
    with suppress(OSError):
        default_storage.delete(path)
