"""All reads of the face service. Never a vector; a kept photo only by `operations.reveal_photo`, which is noted."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db.models import Case, CharField, Count, Exists, OuterRef, Q, QuerySet, Subquery, Value, When

from identity.contracts import Actor
from kernel.errors import NotAllowed, NotFound
from tenants.face import pack, policies, texts
from tenants.face.choices import PASSED, CheckState, Decision, Purpose, Standing
from tenants.face.contracts import CheckResult, Coverage
from tenants.face.models import Check, Consent, Deletion, Setting, Template
from tenants.organisation import queries as organisation
from tenants.organisation.choices import StaffStatus
from tenants.organisation.models import Staff


def setting() -> Setting:
    """The school's setting; off where none was made."""
    return Setting.objects.filter(pk=1).first() or Setting()


def service_on() -> bool:
    """Whether the school uses faces at all."""
    return Setting.objects.filter(pk=1, enabled=True).exists()


def photo_days() -> int:
    """For how many days the original of an enrolment is kept; 0: it is not."""
    return setting().photo_days


def usable() -> bool:
    """Whether a face can be checked here and now: switched on, and a pack that is whole."""
    return pack.state().ready and service_on()


def standing_consent(staff_id: UUID, *, today: date) -> Consent | None:
    """The agreement that carries a check today: not ended, and about a text that still holds."""
    return Consent.objects.filter(
        staff_id=staff_id,
        ended_at__isnull=True,
        decision=Decision.AGREED,
        text_version__in=texts.accepted(today),
    ).first()


def standing_consents(staff_ids: Iterable[UUID], *, today: date) -> dict[UUID, Consent]:
    """As `standing_consent`, for many people in one query."""
    rows = Consent.objects.filter(
        staff_id__in=list(staff_ids),
        ended_at__isnull=True,
        decision=Decision.AGREED,
        text_version__in=texts.accepted(today),
    )
    return {row.staff_id: row for row in rows}


def ready_people(staff_ids: Iterable[UUID], *, today: date) -> set[UUID]:
    """Those of `staff_ids` whose face can be checked: agreed, and enrolled with the model in use. Two queries.

    For features that offer the face as one way among equals; nobody is told who is not in it.
    """
    found = pack.state()
    if not found.ready or found.pack is None or not service_on():
        return set()
    ids = list(staff_ids)
    enrolled = set(
        Template.objects.filter(staff_id__in=ids, model_hash=found.pack.model_hash).values_list("staff_id", flat=True)
    )
    return enrolled & standing_consents(ids, today=today).keys()


# --- One person --------------------------------------------------------------------------------------


def decision_of(staff_id: UUID) -> Consent | None:
    """What a person decided last and has not taken back. The caller has checked that it may be shown."""
    return Consent.objects.filter(staff_id=staff_id, ended_at__isnull=True).first()


def template_of(staff_id: UUID) -> Template | None:
    """What is stored of a person, without its sealed bytes. The caller has checked that it may be shown."""
    return Template.objects.defer("vector_sealed", "photo_sealed").filter(staff_id=staff_id).first()


def person(staff_id: UUID, *, by: Actor) -> Staff:
    """A person whose face data's state `by` may see. Raises NotFound."""
    row = Staff.objects.select_related("party").filter(pk=staff_id).first()
    if row is None or not policies.can_see_person(by, row):
        raise NotFound
    return row


def decisions_of(staff_id: UUID, *, by: Actor) -> QuerySet[Consent]:
    """All decisions of a person, newest first. Raises NotFound."""
    return Consent.objects.defer("guardian_sealed").filter(staff_id=person(staff_id, by=by).pk)


def checks_of(staff_id: UUID, *, by: Actor) -> QuerySet[Check]:
    """All uses of a person's face, newest first. Raises NotFound."""
    return Check.objects.defer("picture_sealed").filter(staff_id=person(staff_id, by=by).pk)


def deletions_of(staff_id: UUID, *, by: Actor) -> QuerySet[Deletion]:
    """What was deleted of a person, newest first. Raises NotFound."""
    return Deletion.objects.filter(staff_id=person(staff_id, by=by).pk)


# --- Checks ------------------------------------------------------------------------------------------

_FIELDS = tuple(CheckResult.__dataclass_fields__)


def result_of(check_id: UUID) -> CheckResult:
    """What came of a check, for the feature that asked. Raises NotFound."""
    return results_of([check_id]).get(check_id) or _missing()


def results_of(check_ids: Iterable[UUID]) -> dict[UUID, CheckResult]:
    """Results by id, in one query; the caller has checked that what they belong to may be read."""
    rows = Check.objects.filter(pk__in=list(check_ids)).values(*_FIELDS)
    return {row["id"]: CheckResult(**{**row, "state": CheckState(row["state"])}) for row in rows}


def own_result(check_id: UUID, *, by: Actor) -> CheckResult:
    """A check of one's own face, or (for the office) of anybody's. Raises NotFound."""
    result = result_of(check_id)
    person(result.staff_id, by=by)
    return result


def own_check(check_id: UUID, *, by: Actor) -> Check:
    """As `own_result`, as a row without its picture. Raises NotFound."""
    row = Check.objects.defer("picture_sealed").filter(pk=check_id).first()
    if row is None:
        raise NotFound
    person(row.staff_id, by=by)
    return row


def passed(outcome: str) -> bool:
    return outcome in PASSED


def _missing() -> CheckResult:
    raise NotFound


# --- The school ----------------------------------------------------------------------------------------


def template_count() -> int:
    """How many people's templates lie here: what the platform adds up."""
    return Template.objects.count()


def coverage(*, by: Actor) -> Coverage:
    """How far the school, or a company with its own people, is. Raises NotAllowed."""
    people = standings(by=by)
    grouped = people.values("standing").annotate(n=Count("pk")).order_by()  # type: ignore[misc]
    counted = {row["standing"]: row["n"] for row in grouped}
    office = policies.can_see_numbers(by)
    found = pack.state().pack
    stored = Template.objects.filter(staff__in=people.values("pk")) if not office else Template.objects.all()
    templates = stored.aggregate(
        templates=Count("pk"),
        photos=Count("pk", filter=Q(photo_until__isnull=False)),
        outdated=Count("pk", filter=~Q(model_hash=found.model_hash if found else "")),
    )
    return Coverage(
        people=sum(counted.values()),
        enrolled=counted.get(Standing.ENROLLED, 0),
        agreed=counted.get(Standing.AGREED, 0),
        refused=counted.get(Standing.REFUSED, 0),
        undecided=counted.get(Standing.ASKED, 0),
        pending=Check.objects.filter(state=CheckState.PENDING).count() if office else 0,
        **templates,
    )


def standings(*, by: Actor, standing: str = "", party_id: UUID | None = None, text: str = "") -> QuerySet[Staff]:
    """Working people `by` may see, each with `standing`, `decided_at`, `enrolled_at`. Raises NotAllowed."""
    if not policies.can_see_lists(by):
        raise NotAllowed
    rows = Staff.objects.filter(status=StaffStatus.ACTIVE).select_related("party", "post")
    if not policies.can_see_numbers(by):
        rows = rows.filter(party__provider_id__in=by.provider_ids)
    standing_rows = Consent.objects.filter(staff_id=OuterRef("pk"), ended_at__isnull=True)
    stored = Template.objects.filter(staff_id=OuterRef("pk"))
    rows = rows.annotate(
        decision=Subquery(standing_rows.values("decision")[:1]),
        decided_at=Subquery(standing_rows.values("decided_at")[:1]),
        enrolled_at=Subquery(stored.values("enrolled_at")[:1]),
        standing=Case(
            When(Exists(stored), then=Value(Standing.ENROLLED.value)),
            When(decision=Decision.AGREED, then=Value(Standing.AGREED.value)),
            When(decision=Decision.REFUSED, then=Value(Standing.REFUSED.value)),
            default=Value(Standing.ASKED.value),
            output_field=CharField(),
        ),
    )
    if standing:
        rows = rows.filter(standing=standing)
    if party_id:
        rows = rows.filter(party_id=party_id)
    if text.strip():
        rows = rows.filter(organisation.name_filter(text))
    return rows.order_by("pinyin", "number")


def deletions(*, by: Actor) -> QuerySet[Deletion]:
    """The record of deletions of the school, newest first. Raises NotAllowed."""
    if not policies.can_see_numbers(by):
        raise NotAllowed
    return Deletion.objects.all()


def recent_checks(*, by: Actor, now: datetime) -> dict[str, int]:
    """Checks of the last seven days by outcome (enrolments left out). Raises NotAllowed."""
    if not policies.can_see_numbers(by):
        raise NotAllowed
    rows = Check.objects.filter(requested_at__gte=now - timedelta(days=7)).exclude(purpose=Purpose.ENROL)
    rows = rows.filter(state=CheckState.DONE)
    return {row["outcome"]: row["n"] for row in rows.values("outcome").annotate(n=Count("pk")).order_by()}
