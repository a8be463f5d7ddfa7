"""Many photos at once: who agreed is enrolled, every other photo is listed with its reason, and nothing hurts."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from openpyxl import load_workbook

from identity.choices import Role
from kernel import clock
from kernel.errors import NotAllowed
from kernel.tenancy import Tenant
from tenants.face import archive, operations
from tenants.face.errors import ArchiveUnreadable, NoPhotos, ServiceOff, TooManyPhotos
from tenants.face.models import Template
from tenants.jobs import files
from tenants.jobs.models import Job
from tenants.timeline.models import Event
from tests.factories import face_models
from tests.factories.face import admin, agree, switch_on
from tests.factories.identity import school_actor
from tests.factories.organisation import make_staff


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = str(tmp_path / "media")


def zipped(*members: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in members:
            packed.writestr(name, data)
    return out.getvalue()


def start(content: bytes, tenant: Tenant, **how: Any) -> Job:
    given = {"file_name": "照片.zip", "by": admin(tenant), "now": clock.now(), **how}
    return operations.start_batch(content=content, tenant=tenant, **given)


def run(job: Job, tenant: Tenant) -> Job:
    operations.run_batch(job_id=job.pk, tenant=tenant, clock=clock.now)
    job.refresh_from_db()
    return job


def test_a_batch_enrols_and_lists_what_it_did_not(alpha: Tenant, pack: Path) -> None:
    switch_on(alpha)
    one, two, three, four = (make_staff(number=f"G00{n}") for n in range(1, 5))
    for person in (one, two, four):
        agree(person, alpha)
    job = start(
        zipped(
            ("照片/G001.jpg", face_models.photo(1)),
            ("照片/G001_王小明.jpg", face_models.photo(1)),
            ("G002 李四.png", face_models.photo(2, 3, kind="PNG")),
            ("G003.jpg", face_models.photo(3)),
            ("G004.jpg", b"\xff\xd8\xff nothing"),
            ("G999.jpg", face_models.photo(4)),
            ("__MACOSX/._G001.jpg", b"note"),
            ("说明.txt", b"hello"),
        ),
        alpha,
    )
    job = run(job, alpha)
    assert job.state == "done" and job.sentence == "录入 1 人，5 张没有录入"
    assert list(Template.objects.values_list("staff__number", "source", "batch_id")) == [("G001", "batch", job.pk)]
    assert dict(job.result["errors"]) == {
        "G001_王小明.jpg": "同一工号有多张照片，只用第一张",
        "G002 李四.png": "画面中有多张人脸",
        "G003.jpg": "本人没有同意使用人脸",
        "G004.jpg": "照片无法读取",
        "G999.jpg": "没有这个工号的在岗员工",
    }
    sheet = load_workbook(io.BytesIO(files.read(tenant=alpha, path=job.output_path))).active
    assert sheet is not None and sheet.max_row == 6
    assert three.pk not in set(Template.objects.values_list("staff_id", flat=True))


def test_the_photos_go_with_the_batch(alpha: Tenant, pack: Path) -> None:
    switch_on(alpha)
    agree(make_staff(number="G001"), alpha)
    job = start(zipped(("G001.jpg", face_models.photo(1))), alpha)
    path = job.input_path
    assert default_storage.exists(path) and b"JFIF" not in default_storage.open(path).read()
    assert run(job, alpha).input_path == "" and not default_storage.exists(path)
    assert Template.objects.get().photo_sealed is None


def test_a_batch_that_was_cut_off_goes_on(alpha: Tenant, pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tenants.face.operations import batches

    switch_on(alpha)
    for n in (1, 2):
        agree(make_staff(number=f"G00{n}"), alpha)
    job = start(zipped(("G001.jpg", face_models.photo(1)), ("G002.jpg", face_models.photo(2))), alpha)
    whole = batches._enrol_one

    def dies(job: Job, data: bytes, person: Any, *rest: Any, **more: Any) -> str:
        if person.number == "G002":
            raise KeyboardInterrupt
        return whole(job, data, person, *rest, **more)

    monkeypatch.setattr(batches, "_enrol_one", dies)
    with pytest.raises(KeyboardInterrupt):
        operations.run_batch(job_id=job.pk, tenant=alpha, clock=clock.now)
    first = Template.objects.get()
    monkeypatch.setattr(batches, "_enrol_one", whole)
    Job.objects.filter(pk=job.pk).update(beat_at=None, state="queued")
    assert run(job, alpha).sentence == "录入 2 人"
    assert Template.objects.filter(pk=first.pk).exists()  # not enrolled a second time
    assert Event.objects.filter(verb="face.batch_enrolled").count() == 1


def test_a_batch_over_runs_no_more(alpha: Tenant, pack: Path) -> None:
    switch_on(alpha)
    agree(make_staff(number="G001"), alpha)
    job = run(start(zipped(("G001.jpg", face_models.photo(1))), alpha), alpha)
    before = Template.objects.get().pk
    assert run(job, alpha).attempts == 1 and Template.objects.get().pk == before


def test_single_photos_go_the_same_way(alpha: Tenant, pack: Path) -> None:
    switch_on(alpha)
    agree(make_staff(number="G001"), alpha)
    job = operations.start_batch_of_photos(
        photos=[("C:\\照片\\G001.jpg", face_models.photo(1))], by=admin(alpha), tenant=alpha, now=clock.now()
    )
    assert run(job, alpha).sentence == "录入 1 人"


def test_only_the_admin_and_only_with_the_service(alpha: Tenant, pack: Path) -> None:
    content = zipped(("G001.jpg", face_models.photo(1)))
    with pytest.raises(ServiceOff):
        start(content, alpha)
    switch_on(alpha)
    for role in (Role.SCHOOL_LEADER, Role.SCHOOL_SUPERVISOR, Role.FRONTLINE):
        with pytest.raises(NotAllowed):
            start(content, alpha, by=school_actor(alpha, role))
    assert not Job.objects.exists()


@pytest.mark.parametrize("data", [b"", b"no zip at all", b"PK\x05\x06", b"PK\x03\x04" + b"0" * 500])
def test_what_is_no_archive_is_refused(data: bytes) -> None:
    with pytest.raises((ArchiveUnreadable, NoPhotos)):
        archive.Archive(data)


def test_an_archive_without_photos_is_refused() -> None:
    with pytest.raises(NoPhotos):
        archive.Archive(zipped(("readme.txt", b"x"), ("a.zip", zipped(("G001.jpg", b"x")))))


def test_too_many_photos_are_refused() -> None:
    with pytest.raises(TooManyPhotos):
        archive.Archive(zipped(*((f"G{n}.jpg", b"") for n in range(2_001))))


def test_a_directory_of_millions_is_not_parsed() -> None:
    data = bytearray(zipped(("G001.jpg", b"x")))
    at = data.rfind(b"PK\x05\x06")
    data[at + 8 : at + 12] = struct.pack("<HH", 65_535, 65_535)
    with pytest.raises(TooManyPhotos):
        archive.Archive(bytes(data))


def test_a_bomb_is_read_up_to_its_limit() -> None:
    """16 MB of zeros in a few KB; and one that lies about its size."""
    packed = bytearray(zipped(("G001.jpg", b"\0" * (16 << 20))))
    bomb = archive.Archive(bytes(packed))
    assert len(packed) < 40_000 and bomb.read(bomb.entries[0]) == b""
    at = packed.rfind(b"PK\x01\x02")
    packed[at + 24 : at + 28] = struct.pack("<L", 100)
    liar = archive.Archive(bytes(packed))
    assert liar.read(liar.entries[0]) == b""


def test_names_are_no_paths_and_encryption_is_no_photo() -> None:
    found = archive.Archive(zipped(("../../etc/G001.jpg", b"x"), ("/abs/G002.jpeg", b"y"), ("d\\G003.png", b"z")))
    assert [(e.name, e.number) for e in found.entries] == [
        ("G001.jpg", "G001"), ("G002.jpeg", "G002"), ("G003.png", "G003"),
    ]  # fmt: skip
    data = bytearray(zipped(("G001.jpg", b"x")))
    at = data.rfind(b"PK\x01\x02")
    data[at + 8] |= 1
    locked = archive.Archive(bytes(data))
    assert locked.read(locked.entries[0]) == b""
