"""Photos in forms: kept one by one under keys derived from the form's own, so that a resent form keeps nothing twice."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.dateparse import parse_datetime

from kernel import clock
from kernel.errors import DomainError
from tenants.evidence import operations
from web.http import SchoolRequest


def client_key(request: HttpRequest) -> str:
    """The sender's key for this submission: the outbox's header, or the hidden field of a plain form."""
    return (request.headers.get("Idempotency-Key") or request.POST.get("client_key") or "")[:60]


def recorded_at(request: HttpRequest) -> datetime | None:
    """When the phone says it was done; believed as a claim only."""
    try:
        said = parse_datetime(request.headers.get("X-Recorded-At") or "")
    except ValueError:
        return None
    return clock.told(said)


def keep_photos(request: SchoolRequest, *, field: str = "photos", place_id: UUID | None = None) -> list[UUID]:
    """Keep the photos of a posted form and return their ids. Raises what evidence.keep_photo raises."""
    key = client_key(request)
    kept = []
    for n, upload in enumerate(request.FILES.getlist(field)):
        row = operations.keep_photo(
            upload=upload.file or b"",
            name=upload.name or "",
            by=request.actor,
            tenant=request.school,
            now=clock.now(),
            taken_at=recorded_at(request),
            place_id=place_id,
            client_key=f"{key}:{n}" if key and field == "photos" else f"{key}:{field}:{n}" if key else "",
        )
        kept.append(row.pk)
    return kept


def refused_json(refused: DomainError) -> HttpResponse:
    """A refusal for the outbox and for scripts, as problem details (RFC 9457)."""
    return JsonResponse(
        {
            "type": f"https://cielm.example/problems/{refused.code}",
            "title": refused.code,
            "code": refused.code,
            "detail": refused.sentence,
            "field": refused.field,
            "status": 422,
        },
        status=422,
        content_type="application/problem+json",
        json_dumps_params={"ensure_ascii": False},
    )


def from_outbox(request: HttpRequest) -> bool:
    """Whether the phone's outbox sends this and wants a short answer instead of a page."""
    return request.headers.get("X-Outbox") == "1"
