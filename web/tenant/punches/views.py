"""打卡记录 in the console: the list, one punch with its evidence, appeals."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from kernel import clock
from kernel.errors import DomainError, NotAllowed
from tenants.organisation.choices import CertificateKind
from tenants.punches import operations, policies, queries, sentences
from tenants.punches.choices import AppealStatus, ClockBasis, Direction, PhotoState, PunchSource, PunchStatus
from tenants.punches.grading import way_out
from tenants.punches.models import PhotoCheck, Punch
from web.http import SchoolRequest, signed_in
from web.shared.pages import go, is_htmx, paginate, render_list
from web.shared.xlsx import download
from web.tenant.findings.views import photo_of
from web.tenant.punches.forms import PunchFilter, RetentionForm

TONES = {PunchStatus.ACCEPTED: "ok", PunchStatus.PENDING: "info", PunchStatus.REFUSED: "bad"}
APPEAL_TONES = {AppealStatus.OPEN: "warn", AppealStatus.GRANTED: "ok", AppealStatus.DENIED: "muted"}
PHOTO_TONES = {PhotoState.ALIKE: "warn", PhotoState.SAME: "bad", PhotoState.CLEARED: "ok"}
CRUMBS = [{"label": "在岗管理"}]
MAX_ROWS = 50_000
HEADS = [
    "打卡时间", "姓名", "工号", "所属单位", "岗位", "地点", "方向", "来源", "设备", "等级", "要求", "状态", "原因",
    "定位误差（米）", "距范围（米）", "时间依据", "时间未核对", "见证人", "缺少证书", "收到时间", "备注",
]  # fmt: skip


def kinds(codes: list[str]) -> str:
    return "、".join(str(CertificateKind(code).label) for code in codes if code in CertificateKind.values)


def told(row: Punch) -> Punch:
    """The row with what templates say about it."""
    row.why, row.next_step = sentences.why(row), sentences.next_step(row)  # type: ignore[attr-defined]
    row.arrived, row.kinds = sentences.arrived(row), kinds(row.lacking)  # type: ignore[attr-defined]
    row.proofs = proofs(row)  # type: ignore[attr-defined]
    return row


def proofs(row: Punch) -> list[str]:
    """What was brought, in words."""
    found = []
    if row.vouched_by_name:
        found.append(f"{row.vouched_by_name}见证" + ("" if row.vouched_on_site else "（未证明在场）"))
    if row.face_score is not None:
        found.append(f"人脸 {row.face_score:.2f}" + (f"，活体 {row.liveness:.2f}" if row.liveness is not None else ""))
    if row.place_code:
        found.append("扫码")
    if row.photo_id:
        found.append("照片")
    if row.latitude is not None or row.accuracy_m is not None:
        error = f" ±{row.accuracy_m:.0f} 米" if row.accuracy_m is not None else ""
        found.append(f"定位{error}" + ("" if row.latitude is not None else "（坐标已到期抹去）"))
    if row.device_id and row.device is not None:
        found.append(f"{row.device.name}（{'核验本人' if row.device.verifies_person else '刷卡'}）")
    return found


@require_safe
@signed_in
def index(request: SchoolRequest) -> HttpResponse:
    by, tz = request.actor, request.school.tz
    if not policies.reads_list(by):
        raise NotAllowed
    form = PunchFilter(request.GET or None, by=by)
    page = paginate(request, queries.listing(by=by, tz=tz, **form.chosen()))
    now = clock.now()
    phones = queries.phones_of(page.object_list, now=now)
    checks = _photo_checks(request, [row.pk for row in page.object_list if row.photo_id])
    for row in page.object_list:
        told(row)
        row.phones = phones.get(row.pk)  # type: ignore[attr-defined]
        row.photo_hint = row.pk in checks and checks[row.pk].state == PhotoState.ALIKE  # type: ignore[attr-defined]
        row.thumb = photo_of(row.photo_id) if row.photo_id else None  # type: ignore[attr-defined]
    counts = queries.counts(by=by, tz=tz, today=now.astimezone(tz).date())
    waiting = queries.open_appeals(by=by)
    context = {
        "title": "打卡记录",
        "lead": f"今天 {counts['all']} 次，{counts['refused']} 次未通过，{counts['pending']} 次核验中"
        + (f"，{counts['lacking']} 次无证上岗" if counts["lacking"] else ""),
        "crumbs": [*CRUMBS, {"label": "打卡记录"}],
        "form": form,
        "page_obj": page,
        "tones": TONES,
        "waiting": waiting,
        "photos": queries.open_photos(by=by),
        "may_fences": policies.can_manage_fences(by),
        "reads_devices": policies.reads_devices(by),
        "may_import": policies.can_manage_devices(by),
        "may_retention": policies.can_set_retention(by),
        "may_vouch": policies.can_vouch(by),
    }
    return render_list(request, "punches/index.html", "punches/_rows.html", context)


@require_safe
@signed_in
def export(request: SchoolRequest) -> HttpResponse:
    """The filtered list as .xlsx, at most 50,000 rows."""
    if not policies.reads_list(request.actor):
        raise NotAllowed
    form = PunchFilter(request.GET, by=request.actor)
    rows = queries.listing(by=request.actor, tz=request.school.tz, **form.chosen())[:MAX_ROWS]
    now = clock.now().astimezone(request.school.tz)
    name = f"打卡记录-{request.school.name}-{now:%Y%m%d-%H%M}.xlsx"
    return download(name, [("打卡记录", HEADS, (_cells(row) for row in rows.iterator(chunk_size=2000)))])


def _cells(row: Punch) -> list[Any]:
    return [
        row.at, row.staff.name, row.staff.number, row.staff.party.name, row.post.name if row.post else "",
        row.place.full_name if row.place else "", str(Direction(row.direction).label),
        str(PunchSource(row.source).label), row.device.name if row.device else "", row.grade, row.asked,
        str(PunchStatus(row.status).label), sentences.why(row), row.accuracy_m, row.outside_m,
        str(ClockBasis(row.clock).label), "是" if sentences.unchecked(row) else "", row.vouched_by_name, kinds(row.lacking), row.received_at, row.note,
    ]  # fmt: skip


@require_safe
@signed_in
def detail(request: SchoolRequest, punch_id: int) -> HttpResponse:
    by = request.actor
    row = told(queries.punch(punch_id=punch_id, by=by))
    appeals = [appeal for _punch, appeal in queries.appeals_of([row.pk])]
    for each in appeals:
        each.photo = photo_of(each.photo_id, caption="申诉时提交") if each.photo_id else None  # type: ignore[attr-defined]
        each.may_decide = each.status == AppealStatus.OPEN and policies.can_decide(  # type: ignore[attr-defined]
            by, staff_id=row.staff_id, asked_by=each.asked_by
        )
    context = {
        "title": f"{row.staff.name}的打卡",
        "crumbs": [*CRUMBS, {"label": "打卡记录", "url": reverse("punches:index")}, {"label": f"#{row.pk}"}],
        "punch": row,
        "photo": photo_of(row.photo_id, caption="打卡时拍摄", at=row.at) if row.photo_id else None,
        "phones": queries.phones_of([row], now=clock.now()).get(row.pk),
        "likeness": _likeness(request, row),
        "way_out": way_out(row.asked),
        "appeals": appeals,
        "tones": TONES,
        "appeal_tones": APPEAL_TONES,
        "photo_tones": PHOTO_TONES,
    }
    return render(request, "punches/_detail.html" if is_htmx(request) else "punches/detail.html", context)


def _photo_checks(request: SchoolRequest, punch_ids: list[int]) -> dict[int, PhotoCheck]:
    """A suspicion is for the office alone, until it has decided."""
    return queries.photo_checks_of(punch_ids) if punch_ids and policies.reads_all(request.actor) else {}


def _likeness(request: SchoolRequest, row: Punch) -> dict[str, Any] | None:
    """Both pictures, side by side, and whether one may decide."""
    check = _photo_checks(request, [row.pk]).get(row.pk)
    if check is None or check.state not in (PhotoState.ALIKE, PhotoState.SAME, PhotoState.CLEARED):
        return None
    earlier = queries.visible(request.actor).filter(pk=check.earlier_id or 0).select_related("staff").first()
    before = queries.photo_checks_of([earlier.pk]).get(earlier.pk) if earlier else None
    old = earlier and (earlier.photo_id or (before.photo_id if before else None))
    return {
        "check": check,
        "earlier": earlier,
        "photos": [
            *([photo_of(old, caption=f"{earlier.staff.name}更早一次打卡", at=earlier.at)] if earlier and old else []),
            photo_of(check.photo_id, caption="这次打卡", at=row.at),
        ],
        "may": check.state == PhotoState.ALIKE
        and policies.can_decide(request.actor, staff_id=row.staff_id, asked_by=None),
    }


@require_POST
@signed_in
def judge_photo(request: SchoolRequest, punch_id: int) -> HttpResponse:
    """`same=1` or 0, with `note`."""
    same = request.POST.get("same") == "1"
    try:
        operations.judge_photo(
            punch_id=punch_id, same=same, note=request.POST.get("note", ""), by=request.actor, tenant=request.school,
            now=clock.now(),
        )  # fmt: skip
    except DomainError as refused:
        if not is_htmx(request):
            raise
        return render(request, "components/errors.html", {"refused": refused.sentence}, status=422)
    return go(request, "punches:detail", punch_id, said="照片没有计入，已告诉本人" if same else "已记为不是旧照片")


@require_POST
@signed_in
def decide(request: SchoolRequest, appeal_id: UUID) -> HttpResponse:
    """`granted=1` or 0, with `note`."""
    try:
        row = operations.decide_appeal(
            appeal_id=appeal_id, granted=request.POST.get("granted") == "1", note=request.POST.get("note", ""),
            by=request.actor, tenant=request.school, now=clock.now(),
        )  # fmt: skip
    except DomainError as refused:
        if not is_htmx(request):
            raise
        return render(request, "components/errors.html", {"refused": refused.sentence}, status=422)
    return go(request, "punches:detail", row.punch_id, said=str(AppealStatus(row.status).label))


@signed_in
def retention(request: SchoolRequest) -> HttpResponse:
    """How long coordinates are kept: who may set it sets it, and what was erased so far."""
    if not policies.can_set_retention(request.actor):
        raise NotAllowed
    row = queries.setting(by=request.actor)
    form = RetentionForm(request.POST or None, initial={"days": row.position_days})
    if request.method == "POST" and form.is_valid():
        try:
            operations.set_position_days(
                days=form.cleaned_data["days"], by=request.actor, tenant=request.school, now=clock.now()
            )
        except DomainError as refused:
            form.add_error(refused.field if refused.field in form.fields else None, refused.sentence)
        else:
            return go(request, "punches:index", said="保存期限已更新")
    context = {
        "title": "位置保存期限", "crumbs": [*CRUMBS, {"label": "位置保存期限"}], "form": form, "submit": "保存",
        "cancel": reverse("punches:index"),
        "lead": f"已按期抹去 {row.erased_count} 条打卡的坐标" if row.erased_count else "还没有到期的坐标",
    }  # fmt: skip
    return render(request, "punches/form.html", context, status=422 if form.errors else 200)
