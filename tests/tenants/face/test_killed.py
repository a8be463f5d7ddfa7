"""Workers of the face queue and of its upkeep, killed with SIGKILL at every step: nothing is half, lost, or done twice.

The engine is replaced by one that knows its answer: its threads do not live on in a process that was forked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage

from kernel import clock, jobs
from kernel.tenancy import Tenant
from tenants.face import engine, operations, pictures
from tenants.face.choices import CheckState, Gone, Outcome
from tenants.face.models import Check, Consent, Deletion, Template
from tenants.face.operations import batches, checks, templates
from tenants.jobs import files
from tenants.jobs import operations as job_operations
from tenants.organisation import operations as organisation
from tenants.organisation.models import Staff
from tenants.timeline.models import Event
from tests.factories import face_models
from tests.factories.face import admin, agree, make_enrolled, person_actor, switch_on
from tests.factories.organisation import make_staff
from tests.killing import after, before, killed
from tests.tenants.face.test_batches import zipped

CHECKING: dict[str, Callable[[], None]] = {
    "begun, nothing looked at": lambda: before(engine, "current"),
    "looked at, nothing written": lambda: before(checks, "_answer"),
    "written, nobody told": lambda: before(checks, "_tell"),
    "everything but the commit": lambda: after(checks, "_tell"),
    "committed, the asker not told": lambda: before(jobs, "_send"),
    "committed, message not acknowledged": lambda: after(checks, "run_check"),
}
BATCH: dict[str, Callable[[], None]] = {
    "taken, nothing read": lambda: before(files, "read"),
    "one enrolled, the next begun": lambda: before(batches, "_enrol_one", call=2),
    "template written, not committed": lambda: after(batches, "enrol"),
    "all enrolled, not finished": lambda: before(batches, "_finish"),
    "finished, not committed": lambda: after(job_operations, "finish"),
    "finished, photos not dropped": lambda: before(batches, "drop_photos"),
}
LETTING_GO: dict[str, Callable[[], None]] = {
    "between two people": lambda: before(templates, "_let_go", call=2),
    "record written, template still there": lambda: before(Template, "delete", call=2),
    "everything but the commit": lambda: after(templates.timeline, "record"),
}


class Knows:
    """An engine with one answer."""

    def __init__(self, who: int) -> None:
        real = engine.current()
        self.pack = real.pack
        self.seen = real.look(pictures.load(face_models.photo(who)))

    def look(self, _image: Any) -> engine.Look:
        return self.seen


@pytest.fixture
def school(committed_alpha: Tenant, pack: Path, settings: Any, tmp_path: Path) -> Iterator[Tenant]:
    settings.MEDIA_ROOT = str(tmp_path / "media")
    switch_on(committed_alpha)
    yield committed_alpha


@pytest.fixture
def sent(school: Tenant, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    jobs._sender[:] = [lambda name, _payload: found.append(name)]
    knows = Knows(1)
    monkeypatch.setattr(engine, "current", lambda: knows)
    return found


def told(person: Staff, verb: str) -> int:
    return Event.objects.filter(verb=verb, party_id=person.party_id).count()


@pytest.mark.parametrize("point", CHECKING)
def test_a_check_killed_anywhere_is_answered_once(school: Tenant, sent: list[str], point: str) -> None:
    person, template = make_enrolled(1, school)
    check_id = operations.request_check(
        staff_id=person.pk, picture=face_models.photo(1, noise=3), purpose="punch", on_done="punches.face_checked",
        by=person_actor(person, school), tenant=school, now=clock.now(),
    )  # fmt: skip
    killed(school, CHECKING[point], lambda: checks.run_check(check_id=check_id, tenant=school, clock=clock.now))
    done = point.startswith("committed")
    row = Check.objects.get(pk=check_id)
    assert (row.state == CheckState.DONE, row.picture_sealed is None, row.attempts) == (done, done, 1), point
    sent.clear()
    assert operations.chase(tenant=school, now=clock.now() + timedelta(minutes=2)) == (0 if done else 1)
    assert sent == ([] if done else ["face.check"])
    for _ in range(2):
        checks.run_check(check_id=check_id, tenant=school, clock=clock.now)
    row.refresh_from_db()
    assert (row.outcome, row.picture_sealed, told(person, "face.checked")) == (Outcome.MATCH, None, 1), point
    assert sent.count("punches.face_checked") == (0 if done else 1) and Template.objects.get().pk == template.pk


@pytest.mark.parametrize(
    "point", [p for p in CHECKING if p != "committed, the asker not told"]
)  # the page looks itself
def test_an_enrolment_killed_anywhere_leaves_one_template_and_no_picture(
    school: Tenant, sent: list[str], point: str
) -> None:
    person = make_staff()
    agree(person, school)
    check_id = operations.request_enrolment(
        picture=face_models.photo(1), by=person_actor(person, school), tenant=school, now=clock.now()
    )
    killed(school, CHECKING[point], lambda: checks.run_check(check_id=check_id, tenant=school, clock=clock.now))
    done = point.startswith("committed")
    assert Template.objects.count() == done, point
    operations.chase(tenant=school, now=clock.now() + timedelta(minutes=2))
    for _ in range(2):
        checks.run_check(check_id=check_id, tenant=school, clock=clock.now)
    row = Check.objects.get(pk=check_id)
    assert (row.outcome, row.picture_sealed, told(person, "face.enrolled")) == (Outcome.ENROLLED, None, 1), point
    assert Template.objects.count() == 1 and not Deletion.objects.exists()  # not put in place of itself


@pytest.mark.parametrize("point", BATCH)
def test_a_batch_killed_anywhere_enrols_everybody_once(school: Tenant, sent: list[str], point: str) -> None:
    people = [make_staff(number=f"G00{n}") for n in (1, 2, 3)]
    for person in people:
        agree(person, school)
    photos = zipped(*((f"{person.number}.jpg", face_models.photo(1)) for person in people), ("G999.jpg", b"x"))
    job = operations.start_batch(content=photos, file_name="照片.zip", by=admin(school), tenant=school, now=clock.now())
    killed(school, BATCH[point], lambda: batches.run_batch(job_id=job.pk, tenant=school, clock=clock.now))
    first = set(Template.objects.values_list("pk", flat=True))
    path = job.input_path
    assert default_storage.exists(path), point
    later = clock.now() + job_operations.SILENT_AFTER + timedelta(seconds=5)
    job_operations.resume(job_id=job.pk, tenant=school, now=later)
    for _ in range(2):
        batches.run_batch(job_id=job.pk, tenant=school, clock=lambda: later)
    operations.drop_photos()  # the upkeep of every half hour
    job.refresh_from_db()
    assert (job.state, job.sentence, job.input_path) == ("done", "录入 3 人，1 张没有录入", ""), point
    assert not default_storage.exists(path), point
    assert first <= set(Template.objects.values_list("pk", flat=True)), point
    assert sorted(Template.objects.values_list("staff__number", flat=True)) == ["G001", "G002", "G003"], point
    assert Event.objects.filter(verb="face.enrolled").count() == 3 and not Deletion.objects.exists(), point
    assert Event.objects.filter(verb="face.batch_enrolled").count() == 1, point


@pytest.mark.parametrize("point", LETTING_GO)
def test_leavers_are_gone_with_one_record_each_however_often_the_upkeep_is_killed(
    school: Tenant, sent: list[str], point: str
) -> None:
    now = clock.now()
    people = [make_enrolled(1, school)[0] for _ in range(3)]
    stayer, _template = make_enrolled(1, school)
    for person in people:
        organisation.leave(
            staff_id=person.pk, left_on=now.date() - timedelta(days=2), now=now, by=admin(school), tenant=school
        )
    killed(school, LETTING_GO[point], lambda: templates.upkeep(tenant=school, now=now))
    assert Template.objects.count() + Deletion.objects.count() == 4, point  # each is whole or gone with its record
    operations.upkeep(tenant=school, now=now + timedelta(minutes=30))
    assert operations.upkeep(tenant=school, now=now + timedelta(hours=1)) == 0
    assert list(Template.objects.values_list("staff_id", flat=True)) == [stayer.pk]
    assert sorted(Deletion.objects.values_list("staff_id", flat=True)) == sorted(person.pk for person in people)
    assert set(Deletion.objects.values_list("reason", flat=True)) == {Gone.LEFT}
    assert Event.objects.filter(verb="face.deleted").count() == 3, point
    assert not Consent.objects.filter(staff__in=people, ended_at__isnull=True).exists()
