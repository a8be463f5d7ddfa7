"""What a camera system sends is taken as it can be kept, or refused for good: never an error it would retry for ever."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

from identity.choices import Role
from kernel.clock import SHANGHAI
from kernel.errors import Invalid
from kernel.tenancy import Tenant
from tenants.duty import operations, webhooks
from tenants.duty.errors import BadSignature
from tenants.duty.models import CameraReport, DutyPost
from tenants.duty.operations.cameras import NewCamera
from tests.factories.duty import make_duty_post
from tests.factories.findings import make_member

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=SHANGHAI)


@pytest.fixture
def duty(alpha: Tenant) -> DutyPost:
    return make_duty_post(name="配电房")


@pytest.fixture
def camera(alpha: Tenant) -> NewCamera:
    admin = make_member(alpha, Role.SCHOOL_ADMIN)
    return operations.add_camera(name="公寓视频平台", by=admin, tenant=alpha, now=NOON)


def send(alpha: Tenant, camera: NewCamera, duty: DutyPost, *, key: str = "m1", **said: object) -> CameraReport:
    body = json.dumps({"post": str(duty.pk), "kind": "sleeping", "at": NOON.isoformat(), **said}).encode()
    stamp = int(NOON.timestamp())
    signatures = webhooks.sign(secret=camera.secret, message_id=key, timestamp=stamp, body=body)
    return operations.receive_report(
        camera_id=camera.system.pk, message_id=key, timestamp=str(stamp), signatures=signatures, body=body,
        tenant=alpha, now=NOON,
    )[0]  # fmt: skip


@pytest.mark.parametrize(
    "at",
    [
        "9999-12-31T23:59:59+00:00",
        "9999-12-31T23:59:59-12:00",
        "0001-01-01T00:00:00+08:00",
        "2026-13-45T00:00:00+08:00",
        "2026-11-25T12:00:00",
        "2026-11-17T12:00:00+08:00",
        "2026-11-25T12:06:00+08:00",
        "yesterday",
        7,
    ],
)
def test_a_time_that_cannot_be_is_refused_and_nothing_is_kept(
    alpha: Tenant, camera: NewCamera, duty: DutyPost, at: object
) -> None:
    with pytest.raises(Invalid):
        send(alpha, camera, duty, at=at)
    assert not CameraReport.objects.exists()


def test_a_report_that_comes_late_is_kept_with_its_own_time(alpha: Tenant, camera: NewCamera, duty: DutyPost) -> None:
    seen = NOON - timedelta(days=6)
    assert send(alpha, camera, duty, at=seen.isoformat()).at == seen


def test_text_no_database_keeps_is_cleaned(alpha: Tenant, camera: NewCamera, duty: DutyPost) -> None:
    row = send(alpha, camera, duty, text="画面\x00无\ud800移动")
    row.refresh_from_db()
    assert row.text == "画面无移动"


def test_without_a_time_it_was_now(alpha: Tenant, camera: NewCamera, duty: DutyPost) -> None:
    assert send(alpha, camera, duty, at=None).at == NOON


@pytest.mark.parametrize("wrong", [{"key": ""}, {"key": "x" * 81}, {"key": "m\x00"}])
def test_a_message_needs_an_id_that_can_be_kept(
    alpha: Tenant, camera: NewCamera, duty: DutyPost, wrong: dict[str, str]
) -> None:
    with pytest.raises(BadSignature):
        send(alpha, camera, duty, **wrong)  # type: ignore[arg-type]
    assert not CameraReport.objects.exists()
