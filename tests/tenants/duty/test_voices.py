"""One recording says one thing: it serves one anomaly, and one answer to a call."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import pytest
from django.db import IntegrityError, transaction

from identity.contracts import Actor
from kernel.clock import SHANGHAI
from kernel.ids import new_id
from kernel.tenancy import Tenant
from tenants.duty import errors, operations
from tenants.duty.models import Anomaly, AnomalyFile, DutyPost, Summons
from tenants.evidence.operations import keep_file
from tests.factories.duty import Guard, make_duty_post, make_guard, make_sent, sign_on
from tests.factories.findings import make_photo
from tests.tenants.duty.test_calls import VOICE

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=SHANGHAI)


@pytest.fixture
def duty(alpha: Tenant) -> DutyPost:
    return make_duty_post(name="配电房")


@pytest.fixture
def guard(alpha: Tenant, duty: DutyPost) -> Guard:
    found = make_guard(alpha, party=duty.post.party)
    sign_on(alpha, duty, found, now=NOON)
    return found


def recorded(alpha: Tenant, by: Actor, *, more: bytes = b"") -> UUID:
    return keep_file(upload=VOICE + more, name="录音.webm", by=by, tenant=alpha, now=NOON).pk


def reported(alpha: Tenant, guard: Guard, *files: UUID, key: str = "") -> Anomaly:
    return operations.report_anomaly(
        kind="fault", file_ids=files, client_key=key, by=guard.actor, tenant=alpha, now=NOON
    )


def test_a_recording_serves_one_anomaly(alpha: Tenant, guard: Guard) -> None:
    voice = recorded(alpha, guard.actor)
    first = reported(alpha, guard, voice, key="k1")
    assert reported(alpha, guard, voice, key="k1") == first  # sent again by the outbox
    with pytest.raises(errors.VoiceUsed) as refused:
        reported(alpha, guard, voice)
    assert first.number in str(refused.value.sentence)
    with pytest.raises(errors.VoiceUsed):
        reported(alpha, guard, recorded(alpha, guard.actor))  # the same bytes, uploaded again
    assert Anomaly.objects.count() == 1
    assert reported(alpha, guard, recorded(alpha, guard.actor, more=b"\x01")) != first


def test_the_database_lets_a_recording_serve_one_anomaly_and_a_photo_several(alpha: Tenant, guard: Guard) -> None:
    voice, picture = recorded(alpha, guard.actor), make_photo(alpha, guard.actor).pk
    reported(alpha, guard, voice, picture)
    other = reported(alpha, guard, picture)
    assert sorted(AnomalyFile.objects.values_list("voice", flat=True)) == [False, False, True]
    with pytest.raises(IntegrityError, match="duty_anomaly_voice_once"), transaction.atomic():
        AnomalyFile.objects.create(anomaly=other, evidence_id=voice, voice=True)


def test_the_database_lets_a_recording_answer_one_call(alpha: Tenant, duty: DutyPost, guard: Guard) -> None:
    colleague = make_guard(alpha, party=duty.post.party, name="乙")
    sign_on(alpha, duty, colleague, now=NOON)
    call = make_sent(alpha, duty, now=NOON)
    voice = new_id()
    one, two = Summons.objects.filter(call=call)
    Summons.objects.filter(pk=one.pk).update(voice_id=voice)
    with pytest.raises(IntegrityError, match="duty_summons_voice_once"), transaction.atomic():
        Summons.objects.filter(pk=two.pk).update(voice_id=voice)
