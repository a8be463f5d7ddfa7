"""A selected school gets its space: whole, once, and visibly."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from identity.choices import Role
from identity.contracts import Actor
from identity.models import Invitation
from institute.schools import blueprint, catalogue, operations, pool, queries, seeding
from institute.schools.choices import SchoolStatus
from institute.schools.contracts import NewSchool, Profile
from institute.schools.models import Domain, SchemaRecord, School
from kernel import clock
from kernel.errors import NotAllowed
from kernel.ids import new_id
from kernel.tenancy import Tenant
from workers.tasks import schools as tasks

pytestmark = pytest.mark.django_db
NOW = clock.now()
ADMIN = Actor(account_id=new_id(), name="管理员", roles=frozenset({Role.INSTITUTE_ADMIN}))
REVIEWER = Actor(account_id=new_id(), name="评审", roles=frozenset({Role.INSTITUTE_REVIEWER}))


def new(**fields: object) -> NewSchool:
    return NewSchool(**{"name": "江城理工大学", "kind": "university", "region": "42", "mode": "mixed", **fields})  # type: ignore[arg-type]


def approve(**fields: object) -> School:
    return operations.approve_school(new=new(**fields), by=ADMIN, now=NOW)


def whole(school: School) -> bool:
    drawn = blueprint.current()
    return catalogue.fingerprint(blueprint.lines_of(school.schema_name, drawn)) == drawn.fingerprint


def test_an_approved_school_becomes_ready(django_capture_on_commit_callbacks) -> None:
    with django_capture_on_commit_callbacks() as sent:
        school = approve()
    assert (school.status, school.slug, school.schema_name, len(sent)) == ("approved", "jclgdx", "s_jclgdx", 1)
    school = operations.provision(school_id=school.pk, now=NOW)
    assert school.status == SchoolStatus.READY, school.status_note
    assert whole(school)
    assert queries.school_of_host("jclgdx.localhost").tenant.school_id == school.pk
    assert queries.record_of(school).verified_at == NOW
    verbs = [e.verb for e in queries.events_for(ADMIN, school)]
    assert verbs == ["school.ready", "school.seeding", "school.creating", "school.approved"]


def test_opening_twice_changes_nothing() -> None:
    school = approve()
    operations.provision(school_id=school.pk, now=NOW)
    events = queries.events_for(ADMIN, school).count()
    operations.provision(school_id=school.pk, now=NOW + timedelta(minutes=1))
    assert queries.events_for(ADMIN, school).count() == events
    assert Domain.objects.filter(tenant=school).count() == 1


def test_a_spare_is_renamed_and_no_longer_a_spare() -> None:
    pool.refill(now=NOW, size=1)
    spare = SchemaRecord.objects.get(purpose="spare")
    school = operations.provision(school_id=approve().pk, now=NOW)
    assert whole(school)
    assert not catalogue.exists(spare.schema_name)
    assert queries.record_of(school).pk == spare.pk
    assert queries.spares() == 0


def test_the_pool_is_filled_to_its_size_and_outdated_spares_go() -> None:
    assert pool.refill(now=NOW, size=2) == 2
    assert pool.refill(now=NOW, size=2) == 0
    old = SchemaRecord.objects.filter(purpose="spare").order_by("id").first()
    SchemaRecord.objects.filter(pk=old.pk).update(blueprint_key="of an older release")
    assert pool.refill(now=NOW, size=2) == 1
    assert not catalogue.exists(old.schema_name)
    assert queries.spares() == 2


def test_an_incomplete_schema_is_never_ready_and_a_retry_starts_cleanly() -> None:
    school = approve()
    operations._begin(school.pk, NOW)
    operations._build(school.pk, NOW, blueprint.current())
    with connection.cursor() as cursor:
        cursor.execute('DROP INDEX "s_jclgdx"."findings_status_deadline"')
    school = operations.provision(school_id=school.pk, now=NOW)
    assert school.status == SchoolStatus.FAILED
    assert "findings_status_deadline" in school.status_note
    with pytest.raises(LookupError):
        queries.tenant_for(school.schema_name)
    operations.retry(school_id=school.pk, by=ADMIN, now=NOW)
    with pytest.raises(operations.WrongState):
        operations.retry(school_id=school.pk, by=ADMIN, now=NOW)
    school = operations.provision(school_id=school.pk, now=NOW)
    assert school.status == SchoolStatus.READY and whole(school)


def test_a_failing_seeder_leaves_no_seed_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(tenant: Tenant, profile: Profile) -> None:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE organisation_linesetting SET mode = 'mixed'")
        raise ValueError("internal detail")

    monkeypatch.setitem(seeding._seeders, "stumble", stumble)
    school = operations.provision(school_id=approve().pk, now=NOW)
    assert school.status == SchoolStatus.FAILED
    assert "internal detail" not in school.status_note
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM s_jclgdx.organisation_linesetting")
        assert cursor.fetchone() == (0,), "what an earlier seeder wrote is gone too"
    monkeypatch.delitem(seeding._seeders, "stumble")
    operations.retry(school_id=school.pk, by=ADMIN, now=NOW)
    assert operations.provision(school_id=school.pk, now=NOW).status == SchoolStatus.READY


def test_service_lines_are_seeded_as_the_application_said() -> None:
    school = operations.provision(school_id=approve(mode="outsourced", line_modes={"security": "self_run"}).pk, now=NOW)
    assert school.status == SchoolStatus.READY, school.status_note
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT line, mode FROM s_jclgdx.organisation_linesetting WHERE line IN ('security', 'cleaning')"
        )
        assert dict(cursor.fetchall()) == {"security": "self_run", "cleaning": "outsourced"}


def test_a_schema_that_is_not_ours_is_not_touched() -> None:
    school = approve()
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA s_jclgdx CREATE TABLE precious (n int)")
    school = operations.provision(school_id=school.pk, now=NOW)
    assert school.status == SchoolStatus.FAILED
    operations.retry(school_id=school.pk, by=ADMIN, now=NOW)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM s_jclgdx.precious")


def test_an_opening_that_stands_still_is_found() -> None:
    school = approve()
    assert queries.owed(NOW) == []
    assert queries.owed(NOW + timedelta(minutes=3)) == [school.pk]


@pytest.mark.parametrize(
    ("slug", "refusal"),
    [
        ("www", operations.SlugReserved),
        ("alpha", operations.SlugTaken),
        ("A-b", operations.SlugMalformed),
        ("x", operations.SlugMalformed),
        ("ab-", operations.SlugMalformed),
        ("1ab", operations.SlugMalformed),
        ("a" * 41, operations.SlugMalformed),
    ],
)
def test_access_names_are_refused_with_a_free_example(slug: str, refusal: type[Exception]) -> None:
    with pytest.raises(refusal) as refused:
        approve(slug=slug)
    assert refused.value.field == "slug"
    assert School.objects.count() == 2


def test_same_initials_get_another_name() -> None:
    assert [approve().slug, approve(name="江城理工大学").slug, approve().slug] == [
        "jclgdx",
        "jiangchengligongdaxue",
        "jclgdx-2",
    ]


def test_one_application_opens_one_school() -> None:
    application = new_id()
    approve(application_id=application)
    with pytest.raises(operations.AlreadyApproved):
        approve(application_id=application)


def test_only_administrators_manage() -> None:
    school = approve()
    for act in (
        lambda: operations.approve_school(new=new(), by=REVIEWER, now=NOW),
        lambda: operations.retry(school_id=school.pk, by=REVIEWER, now=NOW),
        lambda: operations.suspend(school_id=school.pk, reason="x", by=REVIEWER, now=NOW),
        lambda: operations.resume(school_id=school.pk, by=REVIEWER, now=NOW),
        lambda: operations.set_trial(school_id=school.pk, trial=True, by=REVIEWER, now=NOW),
        lambda: queries.schools_for(Actor.anonymous()),
        lambda: queries.ledger_for(Actor.anonymous()),
    ):
        with pytest.raises(NotAllowed):
            act()


def test_suspending_needs_a_reason_and_closes_the_doors(beta: Tenant) -> None:
    with pytest.raises(operations.ReasonMissing):
        operations.suspend(school_id=beta.school_id, reason=" ", by=ADMIN, now=NOW)
    operations.suspend(school_id=beta.school_id, reason="合同到期", by=ADMIN, now=NOW)
    assert queries.school_of_host("beta.localhost").status == SchoolStatus.SUSPENDED
    with pytest.raises(LookupError):
        queries.tenant_for(beta.schema)
    operations.resume(school_id=beta.school_id, by=ADMIN, now=NOW)
    assert queries.tenant_for(beta.schema) == beta


def test_the_first_admin_is_invited_once() -> None:
    school = approve(admin_name="周敏", admin_email="zhou@example.org")
    assert operations.first_admin_to_invite(school_id=school.pk, now=NOW) is None, "not open yet"
    operations.provision(school_id=school.pk, now=NOW)
    assert queries.awaiting_first_admin() == [school.pk]
    first = operations.first_admin_to_invite(school_id=school.pk, now=NOW)
    assert (first.name, first.email) == ("周敏", "zhou@example.org")
    assert operations.first_admin_to_invite(school_id=school.pk, now=NOW) is None
    assert queries.awaiting_first_admin() == []


def test_opening_costs_the_same_however_many_schools_there_are() -> None:
    def cost() -> int:
        school = approve()
        with CaptureQueriesContext(connection) as sent:
            assert operations.provision(school_id=school.pk, now=NOW).status == SchoolStatus.READY
        return len(sent)

    first = cost()
    for _ in range(8):
        operations.provision(school_id=approve().pk, now=NOW)
    assert cost() == first


def test_a_job_that_runs_twice_or_late_does_no_harm() -> None:
    school = approve(admin_name="周敏", admin_email="zhou@example.org")
    for _ in range(2):
        tasks.provision.run(school_id=str(school.pk))
        tasks.invite_first_admin.run(school_id=str(school.pk), key_of_a_newer_release=1)
    assert Invitation.objects.filter(school_id=school.pk, role=Role.SCHOOL_ADMIN).count() == 1
    assert School.objects.get(pk=school.pk).admin_invited_at is not None


def test_schools_are_found_by_name_and_pinyin() -> None:
    approve()
    for text in ("江城", "jclg", "jiangcheng", "JCLGDX"):
        assert [s.name for s in queries.schools_for(ADMIN, search=text)] == ["江城理工大学"]
    assert queries.schools_for(ADMIN, status="ready", mode="outsourced").count() == 1
