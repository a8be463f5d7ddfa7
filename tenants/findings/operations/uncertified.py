"""无证上岗: presence at a post without its certificate is a finding, besides being told and counted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from identity.contracts import Actor
from kernel.tenancy import Tenant
from tenants.findings.choices import Category, FindingSource, Incident, Severity
from tenants.findings.errors import PartyMissing
from tenants.findings.models import Finding
from tenants.findings.operations.opening import open_finding
from tenants.punches import queries as punches


@transaction.atomic
def open_uncertified(*, punch_ids: Sequence[int], tenant: Tenant, now: datetime) -> list[Finding]:
    """Open one finding per person, post and day for the post's party, however often and for however many punches.

    Where neither punch nor post has a place, or the party is no more, there is nothing to open: the notice and the
    time line stand. The certificate is asked for, not the presence doubted.
    """
    opened: dict[str, Finding] = {}
    for seen in punches.uncertified(punch_ids, tz=tenant.tz):
        key = f"{seen.staff_id}:{seen.day}"
        if seen.place_id is None or f"{seen.post_id}|{key}" in opened:
            continue
        kinds = "、".join(seen.kinds)
        try:
            finding = open_finding(
                title=f"无证上岗：{seen.post_name}缺{kinds}"[:120], place_id=seen.place_id, line=seen.line,
                party_id=seen.party_id, severity=Severity.MAJOR, category=Category.SAFETY,
                detail=f"{seen.staff_name} {seen.day.month}月{seen.day.day}日在{seen.post_name}上岗，当天没有有效的{kinds}。"
                "请安排持证人员顶岗，或补录证书。",
                source=FindingSource.ATTENDANCE, source_id=seen.post_id, source_key=key,
                post_id=seen.post_id, incident=Incident.UNCERTIFIED,
                by=Actor.system(tenant.school_id), tenant=tenant, now=now,
            )  # fmt: skip
        except PartyMissing:
            continue
        opened[f"{seen.post_id}|{key}"] = finding
    return list(opened.values())
