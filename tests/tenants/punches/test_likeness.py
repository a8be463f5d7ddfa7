"""A photo used again after saving or cropping is hinted at; an honest new one is not, and only a human takes it off."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from PIL import Image, ImageDraw

from identity.choices import Role
from identity.contracts import Actor
from kernel import clock, jobs
from kernel.errors import NotAllowed, NotFound
from kernel.tenancy import Tenant
from tenants.evidence import operations as evidence
from tenants.evidence import queries as pictures
from tenants.evidence.models import Evidence
from tenants.notices.models import Notice
from tenants.organisation.models import Post, Staff
from tenants.punches import operations, queries, sentences
from tenants.punches.choices import PhotoState, PunchStatus, Refusal
from tenants.punches.errors import PhotoSettled
from tenants.punches.models import Dirty, PhotoCheck, Punch
from tenants.punches.operations import likeness
from tests.factories.findings import make_member
from tests.factories.organisation import make_place, make_post, make_staff
from tests.factories.punches import make_instance, make_punch
from tests.factories.rosters import make_terms
from tests.tenants.evidence.test_alike import by_hand, jpeg, scene
from workers.tasks.punches import compare_photo, sweep_school

NOW = clock.now()


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = str(tmp_path)


@pytest.fixture
def gate(alpha: Tenant) -> Post:
    """A post that asks for B: the code and a photo."""
    post = make_post(place=make_place(code="GATE-7"))
    make_terms(post, grade="B")
    return post


def worker(tenant: Tenant, post: Post) -> tuple[Staff, Actor]:
    person = make_staff(post=post)
    actor = make_member(tenant, Role.FRONTLINE, staff_id=person.pk)
    Staff.objects.filter(pk=person.pk).update(account_id=actor.account_id)
    make_instance(person, post=post, starts_at=NOW - timedelta(minutes=10), grade="B")
    return person, actor


def selfie(seed: int, *, nod: int = 0, noise: int = 6) -> Image.Image:
    """Somebody before the wall of their post; `nod` is how they hold the head this time."""
    image = scene(seed, noise=noise)
    draw = ImageDraw.Draw(image)
    x, y = 400 + nod, 330 - nod // 2
    draw.ellipse((x - 150, y - 190, x + 150, y + 190), fill=(224, 190, 160))
    for dx in (-60, 60):
        draw.ellipse((x + dx - 18, y - 50, x + dx + 18, y - 26), fill=(30, 30, 30))
    draw.arc((x - 60, y + 30, x + 60, y + 100), 20, 160, fill=(120, 40, 40), width=10)
    return image


def keep(tenant: Tenant, by: Actor, image: Image.Image, quality: int = 85) -> Evidence:
    return evidence.keep_photo(upload=jpeg(image, quality), name="打卡.jpg", by=by, tenant=tenant, now=clock.now())


def punch(tenant: Tenant, by: Actor, image: Image.Image, *, quality: int = 85) -> Punch:
    return operations.punch(
        client_id=uuid4(), code="GATE-7", photo_id=keep(tenant, by, image, quality).pk, by=by, tenant=tenant,
        now=clock.now(),
    )  # fmt: skip


def compared(tenant: Tenant, row: Punch) -> PhotoCheck:
    operations.compare_photo(punch_id=row.pk, tenant=tenant, now=NOW)
    return PhotoCheck.objects.get(punch=row)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda i: i.resize((640, 480)), id="scaled"),
        pytest.param(lambda i: i.crop((60, 45, 740, 555)), id="cropped"),
        pytest.param(lambda i: i, id="saved again"),
    ],
)
@pytest.mark.parametrize("of_colleague", [False, True])
def test_a_changed_copy_is_hinted_at_and_counts_until_somebody_looks(
    alpha: Tenant, gate: Post, change: Any, of_colleague: bool
) -> None:
    _person, by = worker(alpha, gate)
    first = punch(alpha, worker(alpha, gate)[1] if of_colleague else by, selfie(3))
    assert compared(alpha, first).state == PhotoState.FRESH
    again = punch(alpha, by, change(selfie(3)), quality=45)
    check = compared(alpha, again)
    assert (check.state, check.earlier_id) == (PhotoState.ALIKE, first.pk)
    again.refresh_from_db()
    assert (again.status, again.grade, again.photo_id) == (PunchStatus.ACCEPTED, "B", check.photo_id)
    assert not Notice.objects.filter(account_id=by.account_id).exists()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "honest",
    [
        pytest.param(lambda n: by_hand(selfie(n, nod=9, noise=8), n, 0.02), id="the same face at the same wall"),
        pytest.param(lambda n: by_hand(selfie(n, noise=8), n, 0.02), id="held still, another hand"),
        pytest.param(lambda n: selfie(n + 40, nod=4), id="another wall"),
    ],
)
def test_an_honest_new_photo_is_not_accused(alpha: Tenant, gate: Post, seed: int, honest: Any) -> None:
    _person, by = worker(alpha, gate)
    punch(alpha, by, selfie(seed))
    assert compared(alpha, punch(alpha, by, honest(seed))).state == PhotoState.FRESH


def test_a_phone_in_a_holder_costs_nobody_anything(alpha: Tenant, gate: Post) -> None:
    """The very frame with hardly anything moved may be hinted at: that is why the machine decides nothing."""
    _person, by = worker(alpha, gate)
    punch(alpha, by, selfie(5))
    again = punch(alpha, by, selfie(5, nod=2, noise=7))
    compared(alpha, again)
    again.refresh_from_db()
    assert (again.status, again.grade) == (PunchStatus.ACCEPTED, "B")


def alike(tenant: Tenant, gate: Post) -> tuple[Punch, Staff, Actor]:
    person, by = worker(tenant, gate)
    punch(tenant, by, selfie(3))
    row = punch(tenant, by, selfie(3).crop((60, 45, 740, 555)))
    assert compared(tenant, row).state == PhotoState.ALIKE
    return row, person, by


def test_a_supervisor_takes_it_off_and_the_rest_decides(alpha: Tenant, gate: Post) -> None:
    row, person, by = alike(alpha, gate)
    boss = make_member(alpha)
    Dirty.objects.all().delete()
    assert queries.open_photos(by=boss) == 1
    row = operations.judge_photo(punch_id=row.pk, same=True, by=boss, tenant=alpha, now=NOW, note="背景的钟没有动")
    assert (row.status, row.refusal, row.grade, row.photo_id) == (PunchStatus.REFUSED, Refusal.TOO_WEAK, "C", None)
    assert "是同一张" in sentences.why(row) and "拍照" in sentences.next_step(row)
    assert Dirty.objects.get().staff_id == person.pk
    told = Notice.objects.get(account_id=by.account_id)
    assert "没有计入" in told.title and "申诉" in told.text
    assert queries.open_photos(by=boss) == 0
    assert pictures.existing([PhotoCheck.objects.get(punch=row).photo_id], by=boss)  # it can still be looked at
    operations.appeal(punch_id=row.pk, text="是当场新拍的，请看监控", by=by, tenant=alpha, now=NOW)


def test_what_is_no_old_photo_stays_and_is_asked_once(alpha: Tenant, gate: Post) -> None:
    row, _person, by = alike(alpha, gate)
    boss = make_member(alpha)
    row = operations.judge_photo(punch_id=row.pk, same=False, by=boss, tenant=alpha, now=NOW)
    assert (row.status, row.grade) == (PunchStatus.ACCEPTED, "B") and row.photo_id is not None
    assert not Notice.objects.filter(account_id=by.account_id).exists()
    with pytest.raises(PhotoSettled):
        operations.judge_photo(punch_id=row.pk, same=True, by=boss, tenant=alpha, now=NOW)


def test_more_evidence_than_the_photo_keeps_the_punch(alpha: Tenant, gate: Post) -> None:
    row, _person, _by = alike(alpha, gate)
    Punch.objects.filter(pk=row.pk).update(latitude=None, outside_m=0)  # inside; its coordinates have been erased
    row = operations.judge_photo(punch_id=row.pk, same=True, by=make_member(alpha), tenant=alpha, now=NOW)
    assert (row.status, row.grade, row.refusal) == (PunchStatus.ACCEPTED, "B", "")


def test_neither_oneself_nor_a_company_nor_a_stranger_decides(alpha: Tenant, gate: Post) -> None:
    row, person, by = alike(alpha, gate)
    own = Actor(
        account_id=by.account_id, name="本人", roles=frozenset({Role.SCHOOL_SUPERVISOR}), school_id=alpha.school_id,
        staff_id=None, other_staff_ids=frozenset({person.pk}),
    )  # fmt: skip
    company = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=person.party.provider_id or uuid4())
    for actor in (own, company, by):
        with pytest.raises((NotAllowed, NotFound)):
            operations.judge_photo(punch_id=row.pk, same=True, by=actor, tenant=alpha, now=NOW)
    assert list(queries.listing(by=make_member(alpha), tz=alpha.tz, mark="photo")) == [row]
    assert not queries.listing(by=company, tz=alpha.tz, mark="photo").exists()


def test_only_photos_ask_and_lost_messages_are_swept(
    alpha: Tenant, gate: Post, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    sent: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(jobs, "_sender", [lambda name, payload: sent.append((name, dict(payload)))])
    person, by = worker(alpha, gate)
    operations.punch(client_id=uuid4(), code="GATE-7", by=by, tenant=alpha, now=clock.now())
    make_punch(person)
    assert not PhotoCheck.objects.exists()
    row = punch(alpha, by, selfie(8))
    later = clock.now() + timedelta(minutes=3)
    assert operations.compare_waiting(tenant=alpha, now=clock.now()) == 0  # its message may be on the way
    with django_capture_on_commit_callbacks(execute=True):
        assert operations.compare_waiting(tenant=alpha, now=later) == 1
    assert sent == [("punches.compare_photo", {"punch_id": row.pk, "schema": alpha.schema})]
    compare_photo.run(tenant=alpha, punch_id=row.pk)
    assert operations.compare_waiting(tenant=alpha, now=later) == 0
    assert PhotoCheck.objects.get(punch=row).state == PhotoState.FRESH


def test_a_picture_that_cannot_be_compared_holds_up_nothing_and_is_tried_three_times(
    alpha: Tenant, gate: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    _person, by = worker(alpha, gate)
    punch(alpha, by, selfie(8))
    row = punch(alpha, by, selfie(9))

    def broken(_ids: Any) -> Any:
        raise OSError

    monkeypatch.setattr(likeness.evidence, "nearest_among", lambda **given: list(given["among"]))
    monkeypatch.setattr(likeness.evidence, "small_pictures", broken)
    later = clock.now() + timedelta(minutes=5)
    for _ in range(3):
        sweep_school.run(tenant=alpha)
        assert operations.compare_waiting(tenant=alpha, now=later) == 2
        with pytest.raises(OSError):
            operations.compare_photo(punch_id=row.pk, tenant=alpha, now=later)
    assert operations.compare_photo(punch_id=row.pk, tenant=alpha, now=later) is None
    assert operations.compare_waiting(tenant=alpha, now=later) == 1
    assert PhotoCheck.objects.get(punch=row).state == PhotoState.WAITING


def test_the_same_photo_after_a_refusal_is_no_copy(alpha: Tenant, gate: Post) -> None:
    _person, by = worker(alpha, gate)
    photo = keep(alpha, by, selfie(4))
    first = operations.punch(client_id=uuid4(), photo_id=photo.pk, by=by, tenant=alpha, now=clock.now())
    assert first.status == PunchStatus.REFUSED
    again = punch(alpha, by, selfie(4).resize((640, 480)))
    assert compared(alpha, again).state == PhotoState.FRESH
