"""Whether the school takes an explanation for missed points: the word of who missed them is not the last one."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from identity.choices import Role
from identity.contracts import Actor
from identity.people import people_of_school
from kernel.errors import Invalid, NotAllowed
from kernel.tenancy import Tenant
from tenants.findings import operations as findings
from tenants.findings.choices import Category, FindingSource, Incident, Severity
from tenants.findings.models import Finding
from tenants.notices import operations as notices
from tenants.notices.choices import NoticeKind
from tenants.patrols import policies
from tenants.patrols.choices import StopStatus
from tenants.patrols.errors import NothingToReview, OwnExplanation
from tenants.patrols.models import Stop, Tour
from tenants.patrols.operations.tours import locked, overseers, recorded

REMIND = timedelta(hours=24)  # an explanation nobody looked at by then is told again


@transaction.atomic
def review(
    *,
    tour_id: UUID,
    accepted: bool,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    note: str = "",
    stop_ids: Sequence[UUID] | None = None,
) -> int:
    """Accept or refuse what was said about missed points; they stay missed. Without `stop_ids`, all that wait.

    Nobody reviews their own words. A refusal needs its reason and opens a finding at once (unless the party is
    closed: there is nobody left to put it right); points that a finding names already are added to no second one. Locks the tour. Returns how many.
    Raises NotFound, NotAllowed, OwnExplanation, Invalid (note), NothingToReview.
    """
    tour = locked(tour_id, by)
    if not policies.can_review(by):
        raise NotAllowed
    note = note.strip()[:300]
    if not accepted and len(note) < 4:
        raise Invalid(_("请用 4—300 个字写明为什么不认可。"), field="note")
    waiting = Stop.objects.filter(tour=tour, status=StopStatus.EXPLAINED)
    if stop_ids is not None:
        waiting = waiting.filter(pk__in=list(stop_ids))
    stops = list(waiting.select_related("point__place").order_by("position"))
    if not stops:
        raise NothingToReview
    if any(stop.explained_by is not None and stop.explained_by == by.account_id for stop in stops):
        raise OwnExplanation
    Stop.objects.filter(pk__in=[s.pk for s in stops]).update(
        status=StopStatus.ACCEPTED if accepted else StopStatus.REFUSED,
        reviewed_by=by.account_id,
        reviewed_by_name=by.name,
        reviewed_at=now,
        review_note=note,
    )
    word = "认可" if accepted else "不认可"
    recorded(
        tour, "explanation_accepted" if accepted else "explanation_refused",
        f"{word} {len(stops)} 个漏点的说明{f'：{note}' if note else ''}", by,
    )  # fmt: skip
    if not accepted:
        with suppress(findings.PartyMissing):  # a party closed meanwhile: there is nobody left to put it right
            _find(tour, stops, note, by, tenant, now)
    _tell_party(tour, stops, word, note, tenant, now)
    return len(stops)


def _find(tour: Tour, stops: Sequence[Stop], note: str, by: Actor, tenant: Tenant, now: datetime) -> None:
    """The finding of points whose explanation was refused. What was found missing before is told of the refusal."""
    words, named = f"漏巡说明未被认可：{note}", {s.finding_id for s in stops if s.finding_id is not None}
    stand = [f for f in named if findings.speak_for(finding_id=f, text=words, by=by, tenant=tenant, now=now)]
    new = [s for s in stops if s.finding_id not in stand]
    if new:
        found = _open_finding(tour, new, note, by, tenant, now)
        Stop.objects.filter(pk__in=[s.pk for s in new]).update(finding_id=found.pk)


def _open_finding(tour: Tour, stops: Sequence[Stop], note: str, by: Actor, tenant: Tenant, now: datetime) -> Finding:
    return findings.open_finding(
        title=f"{tour.route.name} 漏巡 {len(stops)} 个点，说明未被认可",
        place_id=stops[0].point.place_id,
        line=tour.route.line,
        party_id=tour.route.party_id,
        detail=f"{'、'.join(s.point.place.name for s in stops)}。说明：{stops[0].explanation}。不认可：{note}"[:1000],
        severity=Severity.MINOR,
        source=FindingSource.PATROL,
        source_id=tour.pk,
        source_key=f"refused-{stops[0].pk}",
        category=Category.ABSENT,
        incident=Incident.MISSED,
        by=by,
        tenant=tenant,
        now=now,
    )


def _tell_party(tour: Tour, stops: Sequence[Stop], word: str, note: str, tenant: Tenant, now: datetime) -> None:
    """Who explained, and the company's managers, read what became of it."""
    told = {s.explained_by for s in stops if s.explained_by is not None}
    if tour.route.party.provider_id:
        today = now.astimezone(tenant.tz).date()
        company = people_of_school(
            school_id=tenant.school_id,
            roles=[Role.PROVIDER_MANAGER],
            today=today,
            provider_id=tour.route.party.provider_id,
        )
        told |= {p.account_id for p in company}
    notices.notify(
        account_ids=sorted(told),
        kind=NoticeKind.INFO,
        title=f"漏巡说明{word}：{tour.route.name}",
        text=f"{tour.number} · {len(stops)} 个漏点{f'：{note}' if note else ''}",
        path=f"/patrols/tours/{tour.pk}/",
        subject=tour,
        occasion=f"patrol.reviewed:{stops[0].pk}",
        now=now,
    )


def ask_for_review(tour: Tour, count: int, by: Actor, tenant: Tenant, now: datetime) -> None:
    """Tell those who plan that an explanation waits for them."""
    notices.notify(
        account_ids=[account for account in overseers(tenant, now) if account != by.account_id],
        kind=NoticeKind.TODO,
        title=f"审核漏巡说明：{tour.route.name}",
        text=f"{tour.number} · {by.name} 说明了 {count} 个漏点，请认可或不认可",
        path=f"/patrols/tours/{tour.pk}/",
        subject=tour,
        occasion=f"patrol.review:{tour.pk}:{now.isoformat()}",
        now=now,
    )


def remind(*, tenant: Tenant, now: datetime) -> int:
    """Tell again, once, of explanations that waited a day. Part of the sweep. Returns how many tours."""
    tours = (
        Tour.objects.filter(
            stops__status=StopStatus.EXPLAINED,
            stops__explained_at__lt=now - REMIND,
            stops__explained_at__gt=now - REMIND - timedelta(days=7),
        )
        .select_related("route")
        .distinct()
    )
    for tour in tours:
        notices.notify(
            account_ids=overseers(tenant, now),
            kind=NoticeKind.LATE,
            title=f"漏巡说明超过一天未审核：{tour.route.name}",
            text=f"{tour.number}，请认可或不认可",
            path=f"/patrols/tours/{tour.pk}/",
            subject=tour,
            occasion=f"patrol.review_late:{tour.pk}",
            now=now,
        )
    return len(tours)
