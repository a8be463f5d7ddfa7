"""Opening a finding, from whatever source, and knowing whether it was there before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from identity.contracts import Actor
from kernel.errors import Invalid, NotAllowed
from kernel.tenancy import Tenant
from standards_library.choices import ServiceLine
from tenants.findings import deadlines, policies, repeats
from tenants.findings.choices import Category, FindingSource, FindingStatus, Incident, Severity, StepKind
from tenants.findings.errors import PartyMissing
from tenants.findings.models import Finding
from tenants.findings.operations.common import checked_photos, note, people_of_party, step, tell
from tenants.findings.operations.managing import fit_verifier
from tenants.organisation import queries as organisation
from tenants.timeline import numbers, once


@transaction.atomic
def open_finding(
    *,
    title: str,
    place_id: UUID,
    line: str,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    party_id: UUID | None = None,
    detail: str = "",
    severity: str = Severity.MINOR,
    deadline: datetime | None = None,
    source: str = FindingSource.MANUAL,
    source_id: UUID | None = None,
    source_key: str = "",
    rubric_item_id: UUID | None = None,
    requirement_key: str = "",
    edition: str = "",
    category: str = "",
    post_id: UUID | None = None,
    incident: str = "",
    occurrences: int = 1,
    veto: bool = False,
    verifier_id: UUID | None = None,
    photo_ids: Sequence[UUID] = (),
    client_key: str = "",
) -> Finding:
    """Open a finding: number, deadline by severity, responsible party by service line unless named.

    Other features open theirs with `source`, `source_id` (their row) and `source_key` (what within that row:
    a point, a call, an anomaly): the same three again return the finding opened the first time, whoever
    asks, however often, two at once included. Sources of people without an office (巡更, 查岗, 值班, 告警)
    may be opened by them; their feature has judged that they may report.

    If the same (`repeats`: place, party, and item, clause or line + category, for what happens at a post that post
    and `incident`) was closed within the school's days or is still not put right, the finding is 复发: linked to the
    old one, and its root cause is asked for before a fix is taken.

    Locks the day's number and the old finding. The same `client_key` again returns the finding it opened the first time.
    Raises NotAllowed, Invalid (title, place, line, severity), PartyMissing, DeadlinePast, DeadlineFar,
    PhotoUnknown, TooManyPhotos, VerifierUnfit.
    """
    if source not in FindingSource.values:
        raise Invalid(_("不认识的问题来源。"), field="source")
    if not policies.can_open(by, source=source):
        raise NotAllowed
    claim = once.claim(key=client_key, operation="findings.open", by=by)
    if claim.result_id:
        return Finding.objects.select_related("party", "place").get(pk=claim.result_id)
    if known := _opened_before(source, source_id, source_key):
        claim.keep(known.pk)
        return known
    title = " ".join(title.split())
    if not 2 <= len(title) <= 120:
        raise Invalid(_("请用 2—120 个字说明问题。"), field="title")
    if line not in ServiceLine.values:
        raise Invalid(_("请选择服务条线。"), field="line")
    if category and category not in Category.values:
        raise Invalid(_("请选择问题类别。"), field="category")
    if incident and incident not in Incident.values:
        raise Invalid(_("不认识的事件类别。"), field="incident")
    if severity not in Severity.values:
        raise Invalid(_("请选择严重程度。"), field="severity")
    if not 1 <= occurrences <= 999:
        raise Invalid(_("处数应在 1—999 之间。"), field="occurrences")
    place = organisation.place(place_id)
    party = organisation.party(party_id) if party_id else organisation.party_of_line(line)
    if party is None or not party.active:
        raise PartyMissing(field="party")
    usual = deadlines.default_deadline(severity=severity, found_at=now)
    due = deadlines.checked(deadline, now=now) if deadline else usual
    photos = checked_photos(photo_ids, by)
    finding = Finding(
        number=numbers.next_number(prefix="WT", day=now.astimezone(tenant.tz).date()),
        title=title,
        detail=detail.strip(),
        source=source,
        source_id=source_id,
        source_key=source_key[:80],
        place_id=place.pk,
        party_id=party.pk,
        line=line,
        rubric_item_id=rubric_item_id,
        requirement_key=requirement_key,
        edition=edition,
        category=category,
        post_id=post_id,
        incident=incident,
        occurrences=occurrences,
        severity=severity,
        veto=veto,
        deadline=due,
        found_at=now,
        found_by=by.account_id,
        found_by_name=by.name,
    )
    earlier = repeats.earlier(finding, now=now)
    finding.repeat_of, finding.repeats = earlier, earlier.repeats + 1 if earlier else 0
    finding.place, finding.party = place, party
    if verifier_id is not None:
        finding.verifier_id, finding.verifier_name = verifier_id, fit_verifier(finding, verifier_id, tenant, now)
    finding.save(force_insert=True)
    step(finding, StepKind.OPENED, by=by, now=now, text=finding.detail, photos=photos)
    note(finding, "opened", f"发现问题：{title}", by, severity=severity, deadline=due.isoformat(), source=source)
    if earlier:
        old = earlier.number if earlier.status == FindingStatus.CLOSED else f"尚未销号的 {earlier.number} "
        said = f"与 {old} 相同，第 {finding.repeats} 次复发，提交整改前须写明根本原因"
        step(finding, StepKind.REPEATED, by=Actor.system(tenant.school_id), now=now, text=said)
        note(finding, "repeated", said, Actor.system(tenant.school_id), earlier=str(earlier.pk))
    tell(
        finding,
        "opened",
        "一票否决问题待整改" if veto else "复发问题待整改" if earlier else "新问题待整改",
        to=people_of_party(finding, tenant, now),
        by=by,
        now=now,
        mail=veto or severity == Severity.CRITICAL,
    )
    claim.keep(finding.pk)
    return finding


def _opened_before(source: str, source_id: UUID | None, source_key: str) -> Finding | None:
    """What this very thing opened already. Another asker of the same key waits here for the first one's commit."""
    if not source_key or source_id is None:
        return None
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || %s, 7201))",
            [f"|{source}|{source_id}|{source_key[:80]}"],
        )
    return (
        Finding.objects.select_related("party", "place")
        .filter(source=source, source_id=source_id, source_key=source_key[:80])
        .first()
    )
