"""Nothing closes past its verifier: not by who fixed it, not by waiting, not with a picture of something else."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from PIL import Image

from identity.choices import Role
from identity.contracts import Actor
from kernel import clock
from kernel.errors import NotAllowed
from kernel.tenancy import Tenant
from tenants.evidence import operations as evidence
from tenants.evidence.models import Evidence
from tenants.findings import operations
from tenants.findings.choices import FindingStatus, StepKind
from tenants.findings.models import Finding
from tenants.notices.models import Notice
from tests.factories.findings import make_finding, make_member, make_photo, make_submitted
from tests.factories.organisation import make_place
from tests.tenants.evidence.test_alike import scene

NOW = clock.now()


class TestTheFixerStaysOut:
    """Whoever recorded a fix for a party without a login has worked on it."""

    @pytest.fixture
    def recorder(self, alpha: Tenant) -> Actor:
        return make_member(alpha, Role.SCHOOL_ADMIN)

    @pytest.fixture
    def found(self, alpha: Tenant, recorder: Actor) -> Finding:
        return make_submitted(alpha, fixer=recorder)

    def test_does_not_void_it(self, alpha: Tenant, recorder: Actor, found: Finding) -> None:
        with pytest.raises(NotAllowed):
            operations.void(finding_id=found.pk, reason="误开", by=recorder, tenant=alpha, now=NOW)
        found.refresh_from_db()
        assert found.status == FindingStatus.VERIFYING
        other = make_member(alpha, Role.SCHOOL_ADMIN)
        assert operations.void(finding_id=found.pk, reason="误开", by=other, tenant=alpha, now=NOW).status == "void"

    def test_does_not_move_its_deadline_nor_name_its_verifier(
        self, alpha: Tenant, recorder: Actor, found: Finding
    ) -> None:
        call = {"finding_id": found.pk, "by": recorder, "tenant": alpha, "now": NOW}
        with pytest.raises(NotAllowed):
            operations.change_deadline(deadline=NOW + timedelta(days=30), reason="宽限", **call)
        with pytest.raises(NotAllowed):
            operations.assign_verifier(verifier_id=make_member(alpha).account_id, **call)
        before = found.deadline
        found.refresh_from_db()
        assert (found.deadline, found.verifier_id) == (before, None)


class TestNobodyForgetsToVerify:
    def test_the_verifier_then_the_leader_are_told_once_each(self, alpha: Tenant) -> None:
        supervisor, leader = make_member(alpha), make_member(alpha, Role.SCHOOL_LEADER)
        found = make_submitted(alpha, by=supervisor, now=NOW)
        handed_in = found.submitted_at
        assert handed_in is not None

        def told(who: Actor) -> int:
            return Notice.objects.filter(account_id=who.account_id, title__startswith="待复查已").count()

        assert operations.chase_verification(tenant=alpha, now=handed_in + timedelta(hours=71)) == 0
        for hours, expected in ((72, (1, 0)), (73, (1, 0)), (72 + 48, (1, 1)), (300, (1, 1))):
            operations.chase_verification(tenant=alpha, now=handed_in + timedelta(hours=hours))
            assert (told(supervisor), told(leader)) == expected
        assert found.steps.filter(kind=StepKind.ESCALATED).count() == 2

    def test_a_rejected_and_handed_in_again_starts_over_and_a_closed_one_is_left_alone(self, alpha: Tenant) -> None:
        supervisor = make_member(alpha)
        found = make_submitted(alpha, by=supervisor, now=NOW)
        later = NOW + timedelta(hours=80)
        assert operations.chase_verification(tenant=alpha, now=later) == 1
        operations.verify_reject(finding_id=found.pk, reason="还有水", by=supervisor, tenant=alpha, now=later)
        assert operations.chase_verification(tenant=alpha, now=later + timedelta(days=30)) == 0
        fixer = make_member(alpha)
        again = operations.submit_fix(
            finding_id=found.pk, photo_ids=[make_photo(alpha, fixer).pk], by=fixer, tenant=alpha, now=later
        )
        assert again.chased == 0
        operations.verify_pass(finding_id=found.pk, by=supervisor, tenant=alpha, now=later)
        assert operations.chase_verification(tenant=alpha, now=later + timedelta(days=30)) == 0

    def test_the_schools_own_hours_count_and_no_fixer_is_told(self, alpha: Tenant) -> None:
        admin, fixer = make_member(alpha, Role.SCHOOL_ADMIN), make_member(alpha)
        operations.set_rule(severity="minor", hours=168, leader_after_hours=1, verify_hours=2, by=admin, tenant=alpha)
        found = make_submitted(alpha, fixer=fixer, now=NOW)
        assert found.submitted_at is not None
        operations.chase_verification(tenant=alpha, now=found.submitted_at + timedelta(hours=4))
        told = set(Notice.objects.filter(title__startswith="待复查已").values_list("account_id", flat=True))
        assert admin.account_id in told and fixer.account_id not in told


def keep(alpha: Tenant, by: Actor, image: Image.Image, quality: int) -> Evidence:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return evidence.keep_photo(upload=out.getvalue(), name="x.jpg", by=by, tenant=alpha, now=NOW)


class TestPicturesOfTheFix:
    def test_the_picture_of_the_problem_saved_anew_is_refused(self, alpha: Tenant) -> None:
        finder, fixer = make_member(alpha), make_member(alpha)
        image = scene(7)
        before = keep(alpha, finder, image, 92)
        found = make_finding(alpha, by=finder, photo_ids=[before.pk])
        call = {"finding_id": found.pk, "by": fixer, "tenant": alpha, "now": NOW}
        for copy in (
            keep(alpha, fixer, image.resize((640, 480)), 60),
            keep(alpha, fixer, image.crop((60, 45, 760, 570)), 80),
        ):
            assert copy.sha256 != before.sha256
            with pytest.raises(operations.SamePhoto):
                operations.submit_fix(photo_ids=[copy.pk], **call)
        fresh = keep(alpha, fixer, scene(8), 90)
        assert operations.submit_fix(photo_ids=[fresh.pk], **call).status == FindingStatus.VERIFYING

    def test_a_picture_of_another_finding_is_refused_unless_it_shows_both_at_one_place(self, alpha: Tenant) -> None:
        fixer, place = make_member(alpha), make_place()
        one, near, far = make_finding(alpha, place=place), make_finding(alpha, place=place), make_finding(alpha)
        call = {"by": fixer, "tenant": alpha, "now": NOW}
        shot = keep(alpha, fixer, scene(9), 90)
        operations.submit_fix(finding_id=one.pk, photo_ids=[shot.pk], **call)
        sent_again = keep(alpha, fixer, scene(9), 90)
        with pytest.raises(operations.PhotoOfAnother):
            operations.submit_fix(finding_id=far.pk, photo_ids=[sent_again.pk], **call)
        assert operations.submit_fix(finding_id=near.pk, photo_ids=[sent_again.pk], **call).status == "verifying"
        far.refresh_from_db()
        assert far.status == FindingStatus.OPEN
