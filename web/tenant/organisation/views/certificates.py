"""The certificate ledger: who holds what, what ends soon, what is missing."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpResponse

from kernel import clock
from tenants.organisation import ledger, policies
from tenants.organisation.choices import CertificateState
from tenants.rosters import policies as roster_policies
from tenants.rosters import queries as rosters
from web.http import SchoolRequest, signed_in
from web.shared.pages import paginate, render_list
from web.shared.xlsx import download
from web.tenant.organisation.forms import CertificateFilter
from web.tenant.organisation.views.base import crumbs, opt_id, party_choices, post_choices
from web.tenant.rosters.views.setup import days_until

GAPS = 3  # sentences of the forecast above the ledger
TONES: dict[CertificateState, str] = {
    CertificateState.VALID: "ok",
    CertificateState.SOON: "warn",
    CertificateState.REVIEW: "warn",
    CertificateState.REVIEW_LATE: "bad",
    CertificateState.EXPIRED: "bad",
    CertificateState.MISSING: "bad",
}
TILES = (
    CertificateState.EXPIRED,
    CertificateState.REVIEW_LATE,
    CertificateState.MISSING,
    CertificateState.SOON,
    CertificateState.REVIEW,
    CertificateState.VALID,
)


def words(days_left: int | None) -> str:
    """What a state means in days: 还有 12 天, 已过 3 天."""
    if days_left is None:
        return ""
    return f"还有 {days_left} 天" if days_left >= 0 else f"已过 {-days_left} 天"


def _chosen(request: SchoolRequest) -> tuple[CertificateFilter, dict[str, Any]]:
    choices = {"party_id": party_choices(request.actor), "post_id": post_choices(request.actor)}
    form = CertificateFilter(request.GET or None, choices=choices)
    chosen = form.cleaned_data if form.is_bound and form.is_valid() else {}
    return form, {
        "search": chosen.get("search", ""),
        "party_id": opt_id(chosen.get("party_id", "")),
        "post_id": opt_id(chosen.get("post_id", "")),
        "kind": chosen.get("kind", ""),
        "state": chosen.get("state", ""),
        "today": clock.now().astimezone(request.school.tz).date(),
    }


def _label(form: CertificateFilter, name: str) -> str:
    """The words of the option that is chosen, "" for none."""
    value = form.cleaned_data.get(name) if form.is_bound and form.is_valid() else ""
    return str(dict(form.fields[name].choices).get(value, "")) if value else ""  # type: ignore[attr-defined]


def _coming(request: SchoolRequest, today: date) -> dict[str, Any]:
    """The forecast in its own sentences, soonest first, for who may see rosters; above the whole ledger alone."""
    if not roster_policies.reads_grid(request.actor):
        return {}
    gaps = rosters.gaps(by=request.actor, today=today, tenant=request.school)
    shown = [
        {"gap": g, "left": days_until(g, today), "tone": "bad" if (g.first - today).days <= 30 else "warn"}
        for g in gaps[:GAPS]
    ]
    return {"gaps": shown, "more_gaps": len(gaps) - len(shown)}


@signed_in
def index(request: SchoolRequest) -> HttpResponse:
    form, chosen = _chosen(request)
    found = ledger.ledger(by=request.actor, **chosen)
    page = paginate(request, found.rows)
    which = _label(form, "kind").replace("（全部）", "") or "证书"
    context = {
        "title": "证书台账",
        "lead": "每人每类只列有效最久的一张；岗位要求而没有登记的列为缺证。",
        "answer": ledger.answer(found, whose=_label(form, "party_id") or _label(form, "post_id"), which=which),
        "crumbs": crumbs(("员工", "organisation:staff"), "证书台账"),
        "form": form,
        "page_obj": page,
        "rows": [{"row": r, "left": words(r.days_left), "tone": TONES[r.state]} for r in page],
        "tiles": [
            {"state": s.value, "label": s.label, "n": found.counts[s], "tone": TONES[s] if found.counts[s] else "muted"}
            for s in TILES
        ],
        "chosen_state": chosen["state"],
        "filtered": any(request.GET.get(k) for k in form.fields),
        "can_manage": policies.can_manage(request.actor),
        **({} if any(request.GET.get(k) for k in form.fields) else _coming(request, chosen["today"])),
    }
    return render_list(request, "organisation/certificates.html", "organisation/_certificates.html", context)


@signed_in
def export(request: SchoolRequest) -> HttpResponse:
    """The ledger as it is filtered."""
    _form, chosen = _chosen(request)
    found = ledger.ledger(by=request.actor, **chosen)
    heads = (
        "状态", "工号", "姓名", "所属单位", "岗位", "证书类别", "岗位要求", "证书编号", "发证日期", "下次复审日期",
        "有效期至", "剩余天数", "扫描件",
    )  # fmt: skip
    rows = (
        (
            r.state.label, r.staff_number, r.name, r.party_name, r.post_name, r.kind.label, r.required, r.number,
            r.issued_on, r.review_on, r.expires_on, r.days_left, bool(r.scan_id),
        )
        for r in found.rows
    )  # fmt: skip
    return download("证书台账.xlsx", [("证书台账", heads, rows)])
