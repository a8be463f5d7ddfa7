"""Writes: a school is approved, opened, suspended, resumed.

Opening goes 已批准 → 建库中 → 初始化 → 可用 in three transactions, each of which locks the school's row, looks
where things stand and takes one step whole. Killed anywhere, the next run goes on from the last step
that was committed; a schema is there with its ledger row, domain and status, or not at all.
"""

from __future__ import annotations

import logging
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.utils.translation import gettext_lazy as _

from identity.contracts import Actor
from institute.journal.operations import record
from institute.schools import blueprint, catalogue, names, policies, pool, queries, seeding
from institute.schools.choices import MOVES, OPENING, SchemaPurpose, SchoolStatus
from institute.schools.contracts import FirstAdmin, NewSchool, Profile
from institute.schools.models import Blueprint, Domain, FaceCount, SchemaRecord, School
from institute.schools.queries import as_tenant
from kernel.errors import Conflict, DomainError, Invalid, NotAllowed, NotFound
from kernel.jobs import enqueue_on_commit
from kernel.tenancy import public_context, schema_context_for_provisioning

log = logging.getLogger(__name__)


class SlugMalformed(Invalid):
    code = "slug_malformed"
    message = _("访问名须为 2—40 个小写字母、数字或连字符，以字母开头，不以连字符结尾。")


class SlugReserved(Invalid):
    code = "slug_reserved"
    message = _("访问名“%(slug)s”为系统保留，请换一个，例如“%(example)s”。")


class SlugTaken(Conflict):
    code = "slug_taken"
    message = _("访问名“%(slug)s”已被其他学校使用，请换一个，例如“%(example)s”。")


class AlreadyApproved(Conflict):
    code = "school_already_approved"
    message = _("该申请已批准过，学校“%(name)s”已经建立，请在学校列表中查看进度。")


class WrongState(Conflict):
    code = "school_wrong_state"
    message = _("学校当前为“%(status)s”，不能进行此操作。请刷新页面后再试。")


class ReasonMissing(Invalid):
    code = "reason_missing"
    message = _("请填写原因，学校会在停用页面看到它。")


class SchemaTaken(DomainError):
    code = "schema_taken"
    message = _("数据库中已有同名数据空间，请联系运维人员核实后重试。")


def approve_school(*, new: NewSchool, by: Actor, now: datetime) -> School:
    """Create the school of a selected application and start opening it in the background.

    Call inside the transaction that decides the application; locks nothing. Raises NotAllowed,
    SlugMalformed, SlugReserved, SlugTaken, AlreadyApproved.
    """
    if not policies.can_manage(by):
        raise NotAllowed
    with transaction.atomic():
        if new.application_id:
            known = School.objects.filter(application_id=new.application_id).first()
            if known is not None:
                raise AlreadyApproved(name=known.name)
        slug = _free_slug(new)
        values = {k: v for k, v in asdict(new).items() if k != "slug"}
        school: School = School.objects.create(
            slug=slug,
            schema_name=names.schema_of(slug),
            pinyin=names.pinyin_key(new.name),
            status=SchoolStatus.APPROVED,
            status_at=now,
            created_at=now,
            **values,
        )
        record(verb="school.approved", sentence=f"批准开通，访问名 {slug}", subject=school, by=by)
        enqueue_on_commit("schools.provision", school_id=str(school.pk))
    return school


def suggest_slug(name: str) -> str:
    """The first free access name for a school's name."""
    for slug in names.suggestions(name):
        if slug not in names.RESERVED and not School.objects.filter(slug=slug).exists():
            return slug
    raise SlugMalformed(field="slug")


def check_slug(slug: str, *, name: str) -> None:
    """Raises SlugMalformed, SlugReserved or SlugTaken, each with a free example."""
    if not names.well_formed(slug):
        raise SlugMalformed(field="slug")
    if slug in names.RESERVED:
        raise SlugReserved(field="slug", slug=slug, example=suggest_slug(name))
    if School.objects.filter(slug=slug).exists():
        raise SlugTaken(field="slug", slug=slug, example=suggest_slug(name))


def _free_slug(new: NewSchool) -> str:
    if not new.slug:
        return suggest_slug(new.name)
    check_slug(new.slug, name=new.name)
    return new.slug


# --- Opening -------------------------------------------------------------------------------------


def provision(*, school_id: UUID, now: datetime) -> School:
    """Take the school through the steps that are left until it is ready. Safe to repeat and to run twice at once.

    Not atomic on purpose: each step commits, so that people see it. A failure of a step leaves 失败 with
    a reason; a lost database connection or a lock that is not granted leaves the state for the next run
    and is raised. Raises NotFound.
    """
    with public_context():
        try:
            _begin(school_id, now)
            drawn_first = blueprint.current()  # may take seconds, once per release: not under the school's lock
            _build(school_id, now, drawn_first)
            return _finish(school_id, now)
        except (OperationalError, NotFound):
            raise
        except Exception as failure:
            log.exception("provisioning failed", extra={"school_id": str(school_id)})
            return _fail(school_id, now, _reason(failure))


def _locked(school_id: UUID) -> School:
    school: School | None = School.objects.select_for_update(no_key=True).filter(pk=school_id).first()
    if school is None:
        raise NotFound
    return school


def _move(school: School, status: SchoolStatus, now: datetime, note: str = "") -> None:
    if status not in MOVES[SchoolStatus(school.status)]:
        raise WrongState(status=SchoolStatus(school.status).label)
    school.status, school.status_at, school.status_note = status, now, note
    school.save(update_fields=["status", "status_at", "status_note", "opened_at"])


@transaction.atomic
def _begin(school_id: UUID, now: datetime) -> None:
    school = _locked(school_id)
    if school.status == SchoolStatus.APPROVED:
        _move(school, SchoolStatus.CREATING, now)
        record(verb="school.creating", sentence="开始建库", subject=school, by=Actor.system())


@transaction.atomic
def _build(school_id: UUID, now: datetime, drawn: Blueprint) -> None:
    """Schema, ledger row, domain, status and event, or none of them."""
    school = _locked(school_id)
    if school.status != SchoolStatus.CREATING:
        return
    spared = build_schema(school=school, drawn=drawn, now=now)
    _move(school, SchoolStatus.SEEDING, now)
    how = "启用备用数据空间" if spared else "由模板建立数据空间"
    record(verb="school.seeding", sentence=f"{how}，开始初始化", subject=school, by=Actor.system())


@transaction.atomic
def build_schema(*, school: School, drawn: Blueprint, now: datetime) -> bool:
    """Give a school its schema, ledger row and domain in one transaction; True if a spare was used.

    Part of `provision`; tests and the bench call it alone. Raises SchemaTaken.
    """
    if catalogue.exists(school.schema_name):
        raise SchemaTaken
    spare = pool.take(drawn)
    if spare is not None:
        with connection.cursor() as cursor:
            cursor.execute(
                f"ALTER SCHEMA {catalogue.quoted(spare.schema_name)} RENAME TO {catalogue.quoted(school.schema_name)}"
            )
        spare.schema_name, spare.purpose, spare.school, spare.updated_at = (
            school.schema_name, SchemaPurpose.SCHOOL, school, now,
        )  # fmt: skip
        spare.save()
    else:
        blueprint.replay(school.schema_name, drawn.statements)
        SchemaRecord.objects.create(
            schema_name=school.schema_name, purpose=SchemaPurpose.SCHOOL, school=school, blueprint_key=drawn.key,
            head=drawn.head, fingerprint=drawn.fingerprint, created_at=now, updated_at=now,
        )  # fmt: skip
    Domain.objects.create(tenant=school, domain=f"{school.slug}.{settings.SCHOOL_HOST_SUFFIX}", is_primary=True)
    return spare is not None


@transaction.atomic
def _finish(school_id: UUID, now: datetime) -> School:
    """Default data, the completeness check, 可用."""
    school = _locked(school_id)
    if school.status != SchoolStatus.SEEDING:
        return school
    profile = Profile(
        kind=school.kind, mode=school.mode, line_modes=school.line_modes, students=school.students,
        region=school.region, city=school.city,
    )  # fmt: skip
    with schema_context_for_provisioning(school.schema_name):
        seeding.seed(as_tenant(school), profile)
    row = SchemaRecord.objects.get(school=school)
    pool.verify(school.schema_name, Blueprint.objects.get(pk=row.blueprint_key))
    SchemaRecord.objects.filter(pk=row.pk).update(verified_at=now, updated_at=now)
    school.opened_at = school.opened_at or now
    _move(school, SchoolStatus.READY, now)
    record(verb="school.ready", sentence="数据空间检查完整，学校可用", subject=school, by=Actor.system())
    enqueue_on_commit("schools.invite_first_admin", school_id=str(school.pk))
    enqueue_on_commit("schools.refill_pool")
    return school


@transaction.atomic
def _fail(school_id: UUID, now: datetime, reason: str) -> School:
    school = _locked(school_id)
    if school.status in OPENING:
        _move(school, SchoolStatus.FAILED, now, reason)
        record(verb="school.failed", sentence=f"开通失败：{reason}"[:300], subject=school, by=Actor.system())
    return school


def _reason(failure: Exception) -> str:
    """A sentence for the institute's staff; the exception itself goes to the log."""
    if isinstance(failure, pool.Incomplete):
        return f"完整性检查未通过，与模板相差 {len(failure.differences)} 处，例如：{failure.differences[0][:120]}"
    if isinstance(failure, catalogue.NotReproducible):
        return "模板中有无法复制的数据库对象，请联系开发人员查看日志。"
    if isinstance(failure, DomainError):
        return failure.sentence
    return f"初始化时出错（{type(failure).__name__}），可重试；若再次失败请联系运维人员查看日志。"


@transaction.atomic
def retry(*, school_id: UUID, by: Actor, now: datetime) -> School:
    """Start a failed opening again. What was built but never opened is dropped, so the run starts cleanly.

    Locks the school. Raises NotAllowed, NotFound, WrongState (a second press finds it under way).
    """
    if not policies.can_manage(by):
        raise NotAllowed
    school = _locked(school_id)
    if school.status != SchoolStatus.FAILED:
        raise WrongState(status=SchoolStatus(school.status).label)
    built = SchemaRecord.objects.filter(school=school).first()
    if built is not None and school.opened_at is None:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP SCHEMA IF EXISTS {catalogue.quoted(school.schema_name)} CASCADE")
        built.delete()
        Domain.objects.filter(tenant=school).delete()
    _move(school, SchoolStatus.CREATING, now)
    record(verb="school.retried", sentence="重新开通", subject=school, by=by)
    enqueue_on_commit("schools.provision", school_id=str(school.pk))
    return school


# --- Afterwards ----------------------------------------------------------------------------------


@transaction.atomic
def suspend(*, school_id: UUID, reason: str, by: Actor, now: datetime) -> School:
    """Close a school's doors: its hosts show a page with the reason, its jobs are refused. Data stay.

    Takes hold within seconds (config.middleware.HostMiddleware.TTL). Raises NotAllowed, ReasonMissing, WrongState.
    """
    if not policies.can_manage(by):
        raise NotAllowed
    if not reason.strip():
        raise ReasonMissing(field="reason")
    school = _locked(school_id)
    _move(school, SchoolStatus.SUSPENDED, now, reason.strip())
    record(verb="school.suspended", sentence=f"停用：{reason.strip()}"[:300], subject=school, by=by)
    return school


@transaction.atomic
def resume(*, school_id: UUID, by: Actor, now: datetime) -> School:
    """Open a suspended school again. Raises NotAllowed, WrongState."""
    if not policies.can_manage(by):
        raise NotAllowed
    school = _locked(school_id)
    if school.status != SchoolStatus.SUSPENDED:
        raise WrongState(status=SchoolStatus(school.status).label)
    _move(school, SchoolStatus.READY, now)
    record(verb="school.resumed", sentence="恢复使用", subject=school, by=by)
    return school


@transaction.atomic
def set_trial(*, school_id: UUID, trial: bool, by: Actor, now: datetime) -> School:
    """Begin or end 试运行: while it lasts, scores stay out of ranking and settlement. Raises NotAllowed, NotFound."""
    if not policies.can_manage(by):
        raise NotAllowed
    school = _locked(school_id)
    if school.trial != trial:
        school.trial = trial
        school.save(update_fields=["trial"])
        sentence = "转为试运行" if trial else "结束试运行，转为正式运行"
        record(verb="school.trial_set", sentence=sentence, subject=school, by=by, trial=trial)
    return school


def first_admin_to_invite(*, school_id: UUID, now: datetime) -> FirstAdmin | None:
    """Claim the invitation of the first admin in the caller's transaction; None when sent, unnamed or not open.

    Locks the school, so of two workers one sends it; if sending fails the claim is rolled back.
    """
    school = _locked(school_id)
    if school.admin_invited_at or not school.admin_email or school.status != SchoolStatus.READY:
        return None
    school.admin_invited_at = now
    school.save(update_fields=["admin_invited_at"])
    record(verb="school.admin_invited", sentence="已邀请首位管理员", subject=school, by=Actor.system())
    return FirstAdmin(school_id=school.pk, school_name=school.name, name=school.admin_name, email=school.admin_email)


@transaction.atomic
def record_face_count(*, school_id: UUID, templates: int, now: datetime) -> None:
    """Keep how many face templates a school has; called by the worker inside public. An older count is no news.

    The day the platform as a whole reaches what the authority must be told is journalled once.
    """
    School.objects.select_for_update().get(pk=school_id)
    before = queries.face_total()
    FaceCount.objects.update_or_create(school_id=school_id, defaults={"templates": templates, "counted_at": now})
    after = queries.face_total()
    if before < queries.FACES_TO_FILE <= after:
        record(
            verb="faces.must_be_filed",
            sentence=f"全平台存储的人脸信息达到 {after:,} 人：须在 30 个工作日内向省级以上网信部门备案",
            subject=School(pk=school_id),
            by=Actor.system(),
            total=after,
        )
