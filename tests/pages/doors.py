"""Pages that no list of the demo leads to, inside the running site's database: `python -m tests.pages.doors SCHOOL`.

Prints, by host and visitor, the paths behind signed links (as a mail holds them) and of rows that the demo has none of.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from identity.contracts import Actor
    from kernel.tenancy import Tenant


def main(slug: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from identity.choices import Role
    from institute.schools.models import School
    from institute.schools.queries import tenant_for
    from kernel import clock
    from kernel.tenancy import public_context, school_context
    from workers.demo.people import account

    with public_context():
        tenant = tenant_for(School.objects.get(slug=slug).schema_name)
        institute = account("institute", "", Role.INSTITUTE_ADMIN)
        admin = account(f"admin.{slug}", "", Role.SCHOOL_ADMIN, school_id=tenant.school_id)
        public = {
            "": _signed_links(institute, clock.now()),
            "institute": [f"/institute/schools/{tenant.school_id}/resume/"],
        }
        _a_review_and_a_question(institute, clock.now())
    with school_context(tenant):
        inside, code = _rare_rows(admin, tenant)
    print(json.dumps({"": public, slug: {f"admin.{slug}": [*inside, code], "": [code]}}))


def _signed_links(institute: Actor, now: datetime) -> list[str]:
    from allauth.account.forms import default_token_generator
    from allauth.account.utils import user_pk_to_url_str

    from identity.choices import Role
    from identity.contracts import Actor
    from identity.models import Account
    from identity.operations import invite
    from institute.applications import links, operations
    from institute.applications.models import Application

    forgetful = Account.objects.get(username="reviewer2")
    key = f"{user_pk_to_url_str(forgetful)}-{default_token_generator.make_token(forgetful)}"
    invited = invite(
        email="guest@demo.invalid", name="评审专家丁", role=Role.INSTITUTE_REVIEWER, tenant=None, by=institute, now=now
    )
    operations.start(name="雁栖原学院", email="draft@demo.invalid", source="sweep", by=Actor.anonymous(), now=now)
    tokens = [
        links.make(application_id=row.pk, version=row.link_version, now=now, mailed=row.contact_email_index)
        for row in Application.objects.order_by("status")
    ]
    return [
        "/" + invited.url.split("/", 3)[3],
        f"/accounts/password/reset/key/{key}/",
        *(f"/apply/{token}/{page}" for token in tokens for page in ("", "check/", "withdraw/")),
    ]


def _a_review_and_a_question(institute: Actor, now: datetime) -> None:
    """An application under review, with a sheet for the first reviewer, and a visitor's question."""
    from identity.contracts import Actor
    from identity.models import Account
    from institute.applications import operations
    from institute.applications.choices import ApplicationStatus
    from institute.applications.models import Application

    started = operations.start(
        name="雁栖原大学", email="review@demo.invalid", source="sweep", by=Actor.anonymous(), now=now
    )
    Application.objects.filter(pk=started.application_id).update(
        status=ApplicationStatus.ACCEPTED, status_at=now, submitted_at=now, accepted_at=now
    )
    reviewer = Account.objects.get(username="reviewer1").pk
    operations.save_reviewer_profile(
        account_id=reviewer, employer="苇渡口大学", past_schools=[], expertise="", by=institute, now=now
    )
    operations.assign_reviewer(application_id=started.application_id, account_id=reviewer, by=institute, now=now)
    operations.ask(
        topic="other", name="路过的老师", organisation="", email="guest@demo.invalid", phone="",
        message="自管后勤的学校能申报吗？", source="sweep", by=Actor.anonymous(), now=now,
    )  # fmt: skip


def _rare_rows(admin: Actor, tenant: Tenant) -> tuple[list[str], str]:
    """A draft round, what the drawers of a round show, a building; and the label of a place."""
    from tenants.evaluations import operations as evaluations
    from tenants.evaluations.choices import RoundKind, SourceMode
    from tenants.evaluations.contracts import SourceSpec
    from tenants.evaluations.models import Deduction, Round, Source
    from tenants.organisation.models import Place, Staff

    last = Round.objects.order_by("-starts_on")[0]
    starts = (last.starts_on + timedelta(days=100)).replace(day=1)
    draft = evaluations.create_round(
        kind=RoundKind.MONTHLY, starts_on=starts,
        ends_on=(starts + timedelta(days=32)).replace(day=1) - timedelta(days=1),
        party_id=last.party_id, rubric_id=last.rubric_id,
        sources=(SourceSpec("巡查考核", Decimal(100), SourceMode.SHEET),), by=admin, tenant=tenant,
    )  # fmt: skip
    building = Place.objects.filter(kind="building").order_by("code")[0]
    inside = [
        f"/evaluations/{draft.pk}/layout/",
        f"/evaluations/deductions/{Deduction.objects.all()[0].pk}/waive/",
        f"/evaluations/sources/{Source.objects.all()[0].pk}/excuse/",
        f"/organisation/places/{building.pk}/floors/",
        f"/organisation/places/{building.pk}/move/",
        f"/organisation/staff/{Staff.objects.order_by('number')[0].pk}/back/",
    ]
    return inside, f"/q/{building.code}"


if __name__ == "__main__":
    main(sys.argv[1])
