"""Applications at any point of their way, made through the operations themselves."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from itertools import count

from PIL import Image
from stdnum.cn import uscc

from identity.choices import Role
from identity.contracts import Actor
from institute.applications import links, operations
from institute.applications.choices import ApplicationStatus
from institute.applications.models import Application, Assignment, Criterion
from standards_library.choices import ServiceLine
from tests.factories.identity import actor_of, make_member

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
_n = count(1)
VISITOR = Actor.anonymous()
STATEMENT = "本校后勤实行混合运营，巡查记录以纸质为主，问题整改难以闭环，希望借助平台实现过程监管与结果考核的衔接，并参与跨校对标。"


def credit_code(n: int) -> str:
    """A code with a right check digit that belongs to nobody (area 999999 is not assigned)."""
    stem = f"12999999{n:09d}"
    return stem + uscc.calc_check_digit(stem)


def png(width: int = 40, height: int = 30, colour: str = "navy") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(out, "PNG")
    return out.getvalue()


def answers(n: int, **changes: str) -> dict[str, str]:
    return {
        "name": f"示例大学{n}", "school_code": f"{90000 + n}", "credit_code": credit_code(n), "kind": "university",
        "region": "44", "city": "示例市", "students": "12000", "staff_count": "900", "campuses": "2",
        **{f"line_{line}": "self_run" for line in ServiceLine.values},
        "line_cleaning": "outsourced", "provider_names": f"示例物业{n}有限公司", "statement": STATEMENT,
        "contact_name": "申一", "contact_duty": "后勤处副处长", "contact_phone": "13900000000",
        **changes,
    }  # fmt: skip


def make_draft(*, now: datetime = NOW, complete: bool = True, **changes: str) -> tuple[Application, str]:
    """A draft and its mailed link; with `complete` it could be submitted."""
    n = next(_n)
    started = operations.start(
        name=f"示例大学{n}", email=f"apply{n}@example.org", source=f"10.0.{n // 250}.{n % 250}", by=VISITOR, now=now
    )
    application = Application.objects.get(pk=started.application_id)
    token = links.make(application_id=application.pk, version=1, now=now, mailed=application.contact_email_index)
    if complete:
        operations.arrive(token=token, by=VISITOR, now=now)
        for field, value in answers(n, **changes).items():
            operations.save_answer(token=token, field=field, value=value, by=VISITOR, now=now)
        for kind in ("letter", "legal", "service"):
            data = PDF + f"% {kind} {n}\n%%EOF\n".encode()
            operations.add_document(token=token, kind=kind, name=f"{kind}.pdf", data=data, by=VISITOR, now=now)
    application.refresh_from_db()
    return application, token


def make_submitted(**changes: str) -> tuple[Application, str]:
    application, token = make_draft(**changes)
    operations.submit(token=token, by=VISITOR, now=NOW)
    application.refresh_from_db()
    return application, token


def admin() -> Actor:
    return actor_of(make_member(Role.INSTITUTE_ADMIN, name=f"管理员{next(_n)}"))


def analyst() -> Actor:
    return actor_of(make_member(Role.INSTITUTE_ANALYST, name=f"分析员{next(_n)}"))


def reviewer(employer: str = "独立评估研究中心", past: list[str] | None = None, *, profile: bool = True) -> Actor:
    actor = actor_of(make_member(Role.INSTITUTE_REVIEWER, name=f"专家{next(_n)}", email=f"r{next(_n)}@example.org"))
    assert actor.account_id
    if profile:
        operations.save_reviewer_profile(
            account_id=actor.account_id, employer=employer, past_schools=past or [], expertise="", by=actor, now=NOW
        )
    return actor


def make_accepted(by: Actor | None = None, **changes: str) -> tuple[Application, str]:
    application, token = make_submitted(**changes)
    operations.accept(application_id=application.pk, by=by or admin(), now=NOW)
    application.refresh_from_db()
    return application, token


def assign(application: Application, who: Actor, by: Actor) -> Assignment:
    assert who.account_id
    return operations.assign_reviewer(application_id=application.pk, account_id=who.account_id, by=by, now=NOW)


def fill(task: Assignment, who: Actor, points: str = "80") -> None:
    """Fill and hand in a sheet with the same points on every criterion."""
    task.application.refresh_from_db()
    codes = Criterion.objects.filter(set_id=task.application.criteria_edition).values_list("code", flat=True)
    operations.save_sheet(
        assignment_id=task.pk, points=dict.fromkeys(codes, points), comments={}, comment="可以入选", by=who, now=NOW,
        recommendation="approved",
    )  # fmt: skip
    operations.submit_sheet(assignment_id=task.pk, by=who, now=NOW)


def make_scored(by: Actor, *points: str) -> tuple[Application, list[Actor]]:
    """Accepted, reviewed by as many people as `points` (two by default), seal off."""
    application, _ = make_accepted(by)
    people = [reviewer() for _ in points or ("80", "90")]
    tasks = [assign(application, who, by) for who in people]
    for task, who, given in zip(tasks, people, points or ("80", "90"), strict=True):
        fill(task, who, given)
    application.refresh_from_db()
    assert application.status == ApplicationStatus.SCORED
    return application, people
