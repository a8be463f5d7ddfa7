"""`POST /api/punches/batch`: devices and other systems hand in their punches (docs/punches.md). Errors are RFC 9457."""

from __future__ import annotations

from email.message import Message
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from identity.contracts import Actor
from kernel import clock
from kernel.errors import DomainError
from tenants.punches import batches, operations
from tenants.punches.contracts import BatchResult
from tenants.punches.errors import BatchTooLarge, BatchUnreadable, DeviceOff
from web.http import SchoolRequest

STATUS: dict[type[DomainError], int] = {BatchTooLarge: 413, BatchUnreadable: 400, DeviceOff: 403}


def problem(status: int, code: str, detail: str, **more: Any) -> HttpResponse:
    """Problem details; `code` is stable."""
    said = {
        "type": f"https://cielm.example/problems/{code}", "title": code, "status": status, "code": code,
        "detail": detail, **more,
    }  # fmt: skip
    answer = JsonResponse(
        said, status=status, content_type="application/problem+json", json_dumps_params={"ensure_ascii": False}
    )
    answer["Cache-Control"] = "no-store"
    return answer


@csrf_exempt
def batch(request: SchoolRequest) -> HttpResponse:
    """Take one batch. The token is judged before a byte of the body is read."""
    if request.method != "POST":
        answer = problem(405, "method_not_allowed", "请用 POST。")
        answer["Allow"] = "POST"
        return answer
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    device = operations.seen(token=token.strip()) if scheme.lower() == "bearer" else None
    if device is None:
        answer = problem(401, "device_token_refused", "令牌无效、已更换或不属于这所学校。请在“考勤设备”中重新生成。")
        answer["WWW-Authenticate"] = 'Bearer error="invalid_token"'
        return answer
    now = clock.now()
    try:
        if not device.active:
            raise DeviceOff
        said = _read(request)
        result = operations.ingest(
            device_id=device.pk, records=said.records, rejected=said.rejected, sent_at=said.sent_at,
            reported_until=said.reported_until, by=Actor.system(request.school.school_id), tenant=request.school,
            now=now,
        )  # fmt: skip
    except DomainError as refused:
        return problem(STATUS.get(type(refused), 422), refused.code, refused.sentence)
    answer = JsonResponse(_told(result, now.isoformat()), json_dumps_params={"ensure_ascii": False})
    answer["Cache-Control"] = "no-store"
    return answer


def _read(request: HttpRequest) -> batches.Batch:
    length = request.headers.get("Content-Length", "")
    if length.isascii() and length.isdigit() and int(length) > batches.MOST_BYTES:
        raise BatchTooLarge
    head = Message()
    head["Content-Type"] = request.headers.get("Content-Type") or "application/json"
    data = batches.unpacked(request.read(batches.MOST_BYTES + 1), request.headers.get("Content-Encoding", ""))
    text = batches.text_of(data, str(head.get_param("charset") or ""))
    tz = request.school.tz  # type: ignore[attr-defined]
    kind = head.get_content_type()
    if kind == "text/csv":
        return batches.read_csv(
            text, tz, sent_at=request.headers.get("X-Sent-At", ""),
            reported_until=request.headers.get("X-Reported-Until", ""),
        )  # fmt: skip
    if kind == "application/json":
        return batches.read_json(text, tz)
    raise BatchUnreadable(why="Content-Type 应是 application/json 或 text/csv")


def _told(result: BatchResult, now: str) -> dict[str, Any]:
    return {
        "acknowledged": result.acknowledged,
        "accepted": result.accepted,
        "refused": result.refused,
        "duplicates": result.duplicates,
        "unmatched": result.unmatched,
        "unknown_numbers": result.unknown_numbers,
        "conflicts": result.conflicts[:1000],
        "rejected": [{"index": r.index, "code": r.code, "detail": r.sentence} for r in result.rejected[:1000]],
        "drift_seconds": result.drift_seconds,
        "reported_until": result.reported_until.isoformat() if result.reported_until else None,
        "server_time": now,
    }
