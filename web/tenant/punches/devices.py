"""考勤设备: tokens shown once, silence and drift seen, numbers mapped."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from kernel import clock
from kernel.errors import DomainError, Invalid, NotAllowed
from tenants.organisation import queries as organisation
from tenants.punches import operations, policies, queries
from tenants.punches.models import Device
from web.http import SchoolRequest, signed_in
from web.shared.pages import go, is_htmx
from web.tenant.punches.forms import DeviceForm, NumberForm
from web.tenant.punches.views import CRUMBS

SILENT = timedelta(hours=24)
DRIFT = 60  # seconds worth a word


def _crumbs(*rest: dict[str, str]) -> list[dict[str, str]]:
    return [*CRUMBS, {"label": "考勤设备", "url": reverse("punches:devices")}, *rest]


def _state(row: Device, now: Any) -> tuple[str, str, str]:
    """(code, word, tone)."""
    if not row.active:
        return "off", "已停用", "muted"
    if row.last_seen_at is None:
        return "new", "还没有上报过", "info"
    if row.last_seen_at < now - SILENT:
        return "silent", "超过一天没有上报", "bad"
    if abs(row.drift_seconds or 0) >= DRIFT:
        return "drift", f"时钟{'快' if (row.drift_seconds or 0) > 0 else '慢'} {abs(row.drift_seconds or 0)} 秒", "warn"
    return "ok", "正常", "ok"


@require_safe
@signed_in
def index(request: SchoolRequest) -> HttpResponse:
    rows, now = list(queries.devices(by=request.actor)), clock.now()
    for row in rows:
        row.state = _state(row, now)  # type: ignore[attr-defined]
    context = {
        "title": "考勤设备",
        "lead": "考勤机和其他系统凭各自的令牌，把打卡报到 /api/punches/batch；登记时给出令牌，只显示一次",
        "crumbs": [*CRUMBS, {"label": "考勤设备"}],
        "rows": rows,
        "may_manage": policies.can_manage_devices(request.actor),
    }
    return render(request, "punches/devices.html", context)


@signed_in
def new(request: SchoolRequest) -> HttpResponse:
    if not policies.can_manage_devices(request.actor):
        raise NotAllowed
    form = DeviceForm(request.POST or None, by=request.actor)
    context = {
        "title": "登记设备", "crumbs": _crumbs({"label": "登记"}), "form": form, "submit": "登记并生成令牌",
        "cancel": reverse("punches:devices"),
    }  # fmt: skip
    if request.method == "POST" and form.is_valid():
        place = form.cleaned_data["place"]
        try:
            row, secret = operations.add_device(
                name=form.cleaned_data["name"], kind=form.cleaned_data["kind"],
                place_id=UUID(place) if place else None, verifies_person=form.cleaned_data["verifies_person"],
                by=request.actor, tenant=request.school, now=clock.now(),
            )  # fmt: skip
        except DomainError as refused:
            form.add_error(refused.field if refused.field in form.fields else None, refused.sentence)
        else:
            return _secret(request, row, secret)
    status = 422 if request.method == "POST" else 200
    return render(request, "punches/form.html", context, status=status)


def _secret(request: SchoolRequest, row: Device, secret: str) -> HttpResponse:
    """The token, this once; never kept by a browser or a cache."""
    context = {
        "title": "设备令牌", "crumbs": _crumbs({"label": row.name}), "device": row, "secret": secret,
        "endpoint": request.build_absolute_uri(reverse("punches:batch")),
    }  # fmt: skip
    answer = render(request, "punches/device_token.html", context)
    answer["Cache-Control"] = "no-store"
    return answer


@signed_in
def detail(request: SchoolRequest, device_id: UUID) -> HttpResponse:
    row = queries.device(device_id, by=request.actor)
    initial = {
        "name": row.name,
        "kind": row.kind,
        "place": str(row.place_id or ""),
        "verifies_person": row.verifies_person,
    }
    form = DeviceForm(request.POST or None, by=request.actor, initial=initial)
    del form.fields["kind"]
    row.state = _state(row, clock.now())  # type: ignore[attr-defined]
    context = {
        "title": row.name, "crumbs": _crumbs({"label": row.name}), "device": row, "form": form, "submit": "保存",
        "numbers": queries.unmatched_numbers(row.pk), "may_manage": policies.can_manage_devices(request.actor),
        "endpoint": request.build_absolute_uri(reverse("punches:batch")),
    }  # fmt: skip
    if request.method == "POST" and form.is_valid():
        place = form.cleaned_data["place"]
        try:
            operations.change_device(
                device_id=device_id, name=form.cleaned_data["name"], place_id=UUID(place) if place else None,
                verifies_person=form.cleaned_data["verifies_person"], by=request.actor, tenant=request.school,
            )  # fmt: skip
        except DomainError as refused:
            form.add_error(refused.field if refused.field in form.fields else None, refused.sentence)
        else:
            return go(request, "punches:device", device_id, said="已保存")
    if request.method == "POST":
        template = "components/form.html" if is_htmx(request) else "punches/device.html"
        return render(request, template, context, status=422)
    return render(request, "punches/device.html", context)


@require_POST
@signed_in
def switch(request: SchoolRequest, device_id: UUID) -> HttpResponse:
    active = request.POST.get("active") == "1"
    operations.change_device(device_id=device_id, active=active, by=request.actor, tenant=request.school)
    return go(request, "punches:device", device_id, said="已启用" if active else "已停用，令牌不再有效")


@require_POST
@signed_in
def token(request: SchoolRequest, device_id: UUID) -> HttpResponse:
    row, secret = operations.renew_token(device_id=device_id, by=request.actor, tenant=request.school)
    return _secret(request, row, secret)


@require_POST
@signed_in
def reset(request: SchoolRequest, device_id: UUID) -> HttpResponse:
    operations.reset_sequence(device_id=device_id, by=request.actor, tenant=request.school)
    return go(request, "punches:device", device_id, said="已接着原来的编号收")


@require_POST
@signed_in
def number(request: SchoolRequest, device_id: UUID) -> HttpResponse:
    """Say whose `number` is, by `staff_number`."""
    form = NumberForm(request.POST)
    if not form.is_valid():
        raise Invalid("请填写员工的工号。", field="staff_number")
    wanted = form.cleaned_data["staff_number"].strip()
    person = organisation.staff(by=request.actor, search=wanted).filter(number=wanted).first()
    if person is None:
        return go(
            request, "punches:device", device_id, said=f"没有工号是 {wanted} 的在职员工，请核对后再试", tone="bad"
        )
    moved = operations.map_number(
        device_id=device_id, number=form.cleaned_data["number"], staff_id=person.pk, by=request.actor,
        tenant=request.school, now=clock.now(),
    )  # fmt: skip
    return go(request, "punches:device", device_id, said=f"已对应到 {person.name}，补入 {moved} 条打卡")
