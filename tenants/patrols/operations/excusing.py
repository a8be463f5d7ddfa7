"""What is reported late speaks against a finding that was opened meanwhile: the phone was offline, the walker was there."""

from __future__ import annotations

from datetime import datetime, timedelta

from identity.contracts import Actor
from kernel.tenancy import Tenant
from tenants.findings import operations as findings
from tenants.patrols import queries
from tenants.patrols.choices import StopStatus
from tenants.patrols.models import Stop, Tour
from tenants.patrols.operations.tours import recorded

IN_TIME = timedelta(hours=2)  # a scan so long after its window is one of its tour (so long the sweep leaves it open)


def excuse(tour: Tour, stop: Stop, *, tenant: Tenant, now: datetime) -> None:
    """A point was seen that a finding calls missed. Once all its points were, in time by the server's clock counted on
    by a stopwatch, the finding is taken back. A time that rests on the phone's own clock can be set by hand: then the
    finding is told of it, and whoever verifies it decides. The tour is locked.
    """
    if stop.finding_id is None or stop.scanned_at is None:
        return
    by = Actor.system(tenant.school_id)
    where = queries.where(stop.point.place.full_name)
    said = f"{where} {stop.scanned_at.astimezone(tenant.tz):%m月%d日 %H:%M} 到点（手机离线，{now.astimezone(tenant.tz):%m月%d日 %H:%M} 上传）"
    named = list(Stop.objects.filter(tour=tour, finding_id=stop.finding_id))
    left = sum(one.status != StopStatus.SEEN for one in named)
    if left:
        findings.speak_for(
            finding_id=stop.finding_id, text=f"{said}，还有 {left} 个点没有到", by=by, tenant=tenant, now=now
        )
        return
    if all(_proven(one, tour) for one in named):
        words = f"漏巡撤销：{tour.number} 已按时巡完，{said}"
        if findings.take_back(finding_id=stop.finding_id, reason=words, by=by, tenant=tenant, now=now):
            recorded(tour, "finding_taken_back", words, by)
        return
    words = f"{said}。漏点已全部补报，但到点时间不在时段内或只有手机自己的时间，请核实后作废或保留"
    findings.speak_for(finding_id=stop.finding_id, text=words, by=by, tenant=tenant, now=now, decide=True)


def _proven(stop: Stop, tour: Tour) -> bool:
    return stop.stopwatch and stop.scanned_at is not None and stop.scanned_at < tour.ends_at + IN_TIME
