"""What the office, and a property company of its own, see at a glance: who is on post, what is unsolved, how this month goes beside the last, the last score."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID

from django.urls import reverse

from kernel.clock import day_bounds, month_bounds
from standards_library.choices import ServiceLine
from tenants.attendance import board as boards
from tenants.attendance import metrics as attendance
from tenants.evaluations import queries as evaluations
from tenants.findings import metrics as finding_metrics
from tenants.findings import queries as findings
from tenants.organisation import queries as organisation
from web.http import SchoolRequest

Parties = Sequence[UUID] | None  # None: the whole school's
WEEKS = 8
NO_CASES = "本月还没有"  # a share of nothing is not known


def _percent(part: int, whole: int) -> Decimal | None:
    return (Decimal(100 * part) / whole).quantize(Decimal("0.1"), ROUND_HALF_UP) if whole else None


def _share(label: str, now: tuple[int, int], before: tuple[int, int], note: str, href: str) -> dict[str, Any]:
    """A share of this month so far, and how far it moved from the whole month before."""
    value, was = _percent(*now), _percent(*before)
    moved = value - was if value is not None and was is not None else None
    return {
        "label": label, "value": value, "unit": "%", "note": note if value is not None else NO_CASES, "href": href,
        "trend": f"较上月 {'▲' if moved > 0 else '▼'} {abs(moved)}" if moved else "",
        "trend_tone": "ok" if moved and moved > 0 else "bad",
    }  # fmt: skip


def _on_post(request: SchoolRequest, now: datetime) -> dict[str, Any]:
    posts = boards.board(by=request.actor, tenant=request.school, now=now)
    needed, there = sum(p.needed for p in posts), sum(min(p.present, p.needed) for p in posts)
    lacking = sum(p.present < p.needed for p in posts)
    return {
        "label": "此刻在岗", "value": there, "unit": f"/ {needed} 人", "href": reverse("attendance:board"),
        "tone": "warn" if lacking else "", "note": f"{lacking} 个岗位人不齐" if lacking else "各岗位到齐" if needed else "此刻没有排班",
    }  # fmt: skip


def _unsolved(request: SchoolRequest, now: datetime) -> dict[str, Any]:
    tally = findings.counts(by=request.actor, now=now)
    return {
        "label": "未销号问题", "value": tally.unsolved, "unit": "个", "tone": "bad" if tally.overdue else "",
        "href": f"{reverse('findings:index')}?bucket=unsolved", "note": f"超期 {tally.overdue} 个" if tally.overdue else "没有超期",
    }  # fmt: skip


def _on_time(request: SchoolRequest, parties: Parties, first: date, after: date, now: datetime) -> tuple[int, int]:
    """(handed in by the first deadline and closed, judged) of those that fell due in the month so far."""
    starts, ends = day_bounds(first, request.school.tz)[0], day_bounds(after, request.school.tz)[0]
    rows = finding_metrics.counts(starts=starts, ends=min(ends, now), party_ids=parties)
    (row,) = [r for r in rows if r.code == finding_metrics.CLOSED_ON_TIME.code]
    return row.numerator, row.denominator


def _present(parties: Parties, first: date, after: date) -> tuple[int, int]:
    """(shifts with proved presence, shifts judged) in the month."""
    (row,) = [
        r for r in attendance.counts(first=first, after=after, party_ids=parties) if r.code == attendance.PRESENT.code
    ]
    return row.numerator, row.denominator


def _last_score(request: SchoolRequest) -> dict[str, Any] | None:
    row = evaluations.last_closed(by=request.actor)
    if row is None or row.score is None:
        return None
    return {
        "label": "最近一次考核", "value": row.score, "unit": "分", "note": f"{row.grade} · {row.party_name}",
        "href": reverse("evaluations:detail", args=[row.pk]), "tone": "bad" if row.veto else "",
    }  # fmt: skip


def _weeks(request: SchoolRequest, parties: Parties, today: date) -> dict[str, Any] | None:
    weeks = finding_metrics.weekly(until=today, weeks=WEEKS, tz=request.school.tz, party_ids=parties)
    found, closed = sum(w.found for w in weeks), sum(w.closed for w in weeks)
    if not found and not closed:
        return None
    return {
        "kind": "bar", "unit": "个", "axis": "周（从周一起）", "categories": [f"{w.first:%-m/%-d}" for w in weeks],
        "series": [
            {"name": "发现", "data": [w.found for w in weeks], "color": "#b7791f"},
            {"name": "销号", "data": [w.closed for w in weeks], "color": "#2f9e44"},
        ],
        "description": f"最近 {WEEKS} 周发现问题 {found} 个，销号 {closed} 个。",
    }  # fmt: skip


def _lines(request: SchoolRequest, parties: Parties, first: date, after: date) -> dict[str, Any] | None:
    """Problems found this month by service line, the most first."""
    tz = request.school.tz
    rows = finding_metrics.counts(
        starts=day_bounds(first, tz)[0], ends=day_bounds(after, tz)[0], party_ids=parties, by=["line"]
    )
    raised = [(r.numerator, r.key[0]) for r in rows if r.code == finding_metrics.RAISED.code and r.numerator]
    if not raised:
        return None
    ordered = [(n, str(ServiceLine(line).label) if line else "未定") for n, line in sorted(raised, reverse=True)]
    return {
        "kind": "hbar", "unit": "个", "axis": "服务条线", "categories": [name for _n, name in ordered],
        "series": [{"name": "发现问题", "data": [n for n, _name in ordered]}],
        "description": "本月发现问题：" + "、".join(f"{name} {n} 个" for n, name in ordered),
    }  # fmt: skip


def figures(request: SchoolRequest, now: datetime) -> dict[str, Any]:
    """`stats` and two charts, of a property company its own; empty where the school has nothing to count yet. About a dozen queries, whatever there is."""
    today = now.astimezone(request.school.tz).date()
    first, after = month_bounds(today)
    before = month_bounds(first - timedelta(days=1))
    parties = organisation.party_ids_seen_by(request.actor)
    on_time, present = _on_time(request, parties, first, after, now), _present(parties, first, after)
    weeks = _weeks(request, parties, today)
    last = _last_score(request)
    there = _on_post(request, now)
    if not (weeks or last or present[1] or there["value"]):
        return {}
    due = f"本月到期、已有结论 {on_time[1]} 个" if on_time[1] else ""
    stats = [
        there,
        _unsolved(request, now),
        _share("本月按期整改率", on_time, _on_time(request, parties, *before, now), due, reverse("findings:index")),
        _share(
            "本月到岗率",
            present,
            _present(parties, *before),
            f"已判定 {present[1]} 班次",
            reverse("attendance:results"),
        ),
        *([last] if last else []),
    ]
    return {"stats": stats, "weeks": weeks, "lines": _lines(request, parties, first, after), "as_of": now}
