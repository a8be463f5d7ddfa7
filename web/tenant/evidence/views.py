"""Bytes in, bytes out: upload endpoint, photos and files behind the reader's own rights."""

from __future__ import annotations

from typing import IO, Any, cast
from urllib.parse import quote
from uuid import UUID

from django.core.files.storage import default_storage
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from identity.choices import Via
from kernel import clock
from kernel.errors import DomainError, Invalid, NotFound
from tenants.evidence import operations, queries
from tenants.evidence.choices import EvidenceKind
from tenants.evidence.models import Evidence
from web.http import SchoolRequest, signed_in
from web.tenant.evidence.uploads import client_key, recorded_at, refused_json


class _CsrfCheck(CsrfViewMiddleware):
    """Django's own check, asked for its verdict instead of a page."""

    def _reject(self, request: HttpRequest, reason: str) -> str:  # type: ignore[override]
        return reason


def _plain_view(request: HttpRequest) -> HttpResponse:
    """Stands for a view that is not exempt."""
    return HttpResponse()


@csrf_exempt  # a browser's session is checked below; a token is never sent by a browser by itself
@require_POST
def upload(request: SchoolRequest) -> HttpResponse:
    """`POST /files/` multipart: `file`, optional `kind=photo|file` and `place`; header `Idempotency-Key`.

    Answers 201 with `{id, kind, url, thumb, sha256, …}`; the same key again answers the same row.
    GraphQL then takes the id. Refusals are 422 problem details with the domain's code.
    """
    if not request.actor.signed_in:
        return JsonResponse({"title": "not_signed_in", "code": "not_signed_in", "status": 401}, status=401)
    if request.actor.via != Via.TOKEN:
        check = _CsrfCheck(lambda _request: HttpResponse())
        check.process_request(request)
        if check.process_view(request, _plain_view, (), {}):
            return JsonResponse({"title": "csrf", "code": "csrf", "status": 403}, status=403)
    try:
        sent = request.FILES.get("file")
        if sent is None:
            raise operations.EmptyFile(field="file")
        common: dict[str, Any] = {
            "upload": sent.file,
            "name": sent.name or "",
            "by": request.actor,
            "tenant": request.school,
            "now": clock.now(),
            "place_id": _place(request.POST.get("place", "")),
            "client_key": client_key(request),
        }
        if request.POST.get("kind", EvidenceKind.PHOTO) == EvidenceKind.FILE:
            row = operations.keep_file(**common)
        else:
            row = operations.keep_photo(**common, taken_at=recorded_at(request))
    except DomainError as refused:
        return refused_json(refused)
    return JsonResponse(
        {
            "id": str(row.pk),
            "kind": row.kind,
            "name": row.name,
            "size": row.size,
            "sha256": row.sha256,
            "url": f"/files/{row.pk}/",
            "thumb": f"/files/{row.pk}/thumb/" if row.thumb_path else None,
            "received_at": row.received_at.isoformat(),
            "taken_at": row.taken_at.isoformat() if row.taken_at else None,
        },
        status=201,
    )


def _place(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError as wrong:
        raise Invalid(field="place") from wrong


@require_safe
@signed_in
def serve(request: SchoolRequest, evidence_id: UUID) -> HttpResponse:
    """The stored bytes: photos inline, everything else as a download."""
    row = queries.readable(evidence_id=evidence_id, by=request.actor)
    return _send(request, row, row.path, inline=row.kind == EvidenceKind.PHOTO)


@require_safe
@signed_in
def thumb(request: SchoolRequest, evidence_id: UUID) -> HttpResponse:
    """The thumbnail of a photo."""
    row = queries.readable(evidence_id=evidence_id, by=request.actor)
    if not row.thumb_path:
        raise NotFound
    return _send(request, row, row.thumb_path, inline=True)


def _send(request: SchoolRequest, row: Evidence, path: str, *, inline: bool) -> HttpResponse:
    """Kept by this browser only; the content under an id never changes, so its hash is the ETag."""
    if not path.startswith(f"{request.school.schema}/"):  # a row that is wrong must not open another school's file
        raise NotFound
    etag = f'"{row.sha256[:32]}"'
    if request.headers.get("If-None-Match") == etag:
        return HttpResponseNotModified(headers={"ETag": etag, "Cache-Control": "private, max-age=3600"})
    try:
        content = cast("IO[bytes]", default_storage.open(path))
    except FileNotFoundError as gone:
        raise NotFound from gone
    # Django's stubs call a FileResponse no HttpResponse; every caller only hands it on.
    response = cast("HttpResponse", FileResponse(content, content_type=row.mime))
    response["Content-Disposition"] = f"{'inline' if inline else 'attachment'}; filename*=UTF-8''{quote(row.name)}"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["Cache-Control"] = "private, max-age=3600"
    response["ETag"] = etag
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
