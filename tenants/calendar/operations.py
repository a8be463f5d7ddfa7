"""All writes of the calendar."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from identity import queries as identity
from identity.choices import Role
from identity.contracts import Actor
from kernel.errors import Conflict, DomainError, Invalid, NotAllowed, NotFound
from kernel.jobs import enqueue_on_commit
from kernel.tenancy import Tenant
from tenants.calendar import national, policies, queries, seasons
from tenants.calendar.choices import DayKind, PeriodKind
from tenants.calendar.contracts import Row
from tenants.calendar.models import CalendarYear, Period, SeasonRule, SpecialDay
from tenants.notices import operations as notices
from tenants.notices.choices import NoticeKind
from tenants.timeline import operations as timeline

FIRST_YEAR, LAST_YEAR = 2000, 2099
LONGEST_RUN = 31  # days of one kind set at once
MOST_ROWS = 600  # of an import: a year has 366 days


class YearOutside(Invalid):
    code = "calendar_year_outside"
    message = _("日期应在 2000 年到 2099 年之间，请检查年份。")


class RunTooLong(Invalid):
    code = "calendar_run_too_long"
    message = _("一次最多设置连续 31 天。更长的放假请登记为假期。")


class PeriodBackwards(Invalid):
    code = "period_backwards"
    message = _("结束日期早于开始日期，请修改。")


class PeriodTooLong(Invalid):
    code = "period_too_long"
    message = _("学期或假期最长 300 天，请检查起止日期。")


class PeriodNameTaken(Conflict):
    code = "period_name_taken"
    message = _("已有名为「%(name)s」的学期或假期，请换一个名称。")


class PeriodOverlaps(Conflict):
    code = "period_overlaps"
    message = _("与「%(name)s」（%(starts)s 至 %(ends)s）的日期重叠，请调整起止日期。")


class YearKnown(DomainError):
    code = "calendar_year_known"
    message = _("%(year)d 年的放假安排已由系统收录，不用确认。")


class SeasonNotOwn(DomainError):
    code = "season_not_own"
    message = _("这个季节没有改过，已经是默认的起止日期。")


# --- Days ------------------------------------------------------------------------------------------


@transaction.atomic
def set_days(
    *, first: date, last: date, kind: str, name: str = "", by: Actor, tenant: Tenant, now: datetime
) -> list[SpecialDay]:
    """Say what the days from `first` to `last` are at this school. What already is so by the State is not stored.

    Locks the calendar. Returns the rows that differ from the State's calendar. Raises NotAllowed, Invalid, YearOutside,
    PeriodBackwards, RunTooLong.
    """
    if not policies.can_manage(by):
        raise NotAllowed
    run = _run(first, last)
    kind, name = _clean_kind(kind), _clean_name(name)
    _lock(tenant)
    kept = _put(run, kind, name, now)
    timeline.record(
        verb="calendar.days_set",
        sentence=f"校历 {_span(first, last)} 设为{DayKind(kind).label}" + (f"（{name}）" if name else ""),
        subject=kept[0] if kept else SpecialDay(day=first, kind=kind),
        by=by,
        first=first.isoformat(),
        last=last.isoformat(),
        kind=kind,
    )
    _follow(tenant)
    return kept


@transaction.atomic
def clear_days(*, first: date, last: date, by: Actor, tenant: Tenant) -> int:
    """Go back to what the State and the week make of these days; nothing to take back is no error. Locks the calendar.

    Returns how many days were the school's own. Raises NotAllowed, YearOutside, PeriodBackwards, RunTooLong.
    """
    if not policies.can_manage(by):
        raise NotAllowed
    _run(first, last)
    _lock(tenant)
    rows = list(SpecialDay.objects.filter(day__gte=first, day__lte=last))
    if not rows:
        return 0
    SpecialDay.objects.filter(pk__in=[r.pk for r in rows]).delete()
    timeline.record(
        verb="calendar.days_cleared",
        sentence=f"校历 {_span(first, last)} 恢复为国家安排",
        subject=rows[0],
        by=by,
        first=first.isoformat(),
        last=last.isoformat(),
    )
    _follow(tenant)
    return len(rows)


@transaction.atomic
def settle_year(*, year: int, by: Actor, tenant: Tenant, now: datetime) -> CalendarYear:
    """Say that the school's entries for a year the library does not hold are complete: the warning goes.

    A second time changes nothing. Raises NotAllowed, YearOutside, YearKnown.
    """
    if not policies.can_manage(by):
        raise NotAllowed
    _in_reach(date(_year(year), 1, 1))
    if national.known(year):
        raise YearKnown(year=year)
    _lock(tenant)
    row, _made = CalendarYear.objects.get_or_create(year=year)
    if row.settled_at:
        return row
    row.settled_at, row.settled_by_name = now, by.name[:60]
    row.save(update_fields=["settled_at", "settled_by_name"])
    notices.settle(subject=row, now=now)
    timeline.record(
        verb="calendar.year_settled", sentence=f"确认 {year} 年放假与调休已按国务院通知录入", subject=row, by=by
    )
    return row


@transaction.atomic
def warn_of_unknown_years(*, tenant: Tenant, now: datetime) -> list[int]:
    """Tell the admins, once per year, that the notice of this year (from December: the next one too) is not known.

    Run daily by beat; safe to run twice at once. Returns the years told.
    """
    today = now.astimezone(tenant.tz).date()
    near = [today.year] if today.month < 12 else [today.year, today.year + 1]
    missing = queries.unknown_years(near)
    if not missing:
        return []
    CalendarYear.objects.bulk_create([CalendarYear(year=y) for y in sorted(missing)], ignore_conflicts=True)
    rows = list(CalendarYear.objects.select_for_update().filter(year__in=missing, warned_at__isnull=True))
    admins = [m.account_id for m in identity.members_with_role(tenant.school_id, Role.SCHOOL_ADMIN, today=today)]
    if not admins:
        return []
    for row in rows:
        row.warned_at = now
        row.save(update_fields=["warned_at"])
        notices.notify(
            account_ids=admins,
            kind=NoticeKind.TODO,
            title=f"{row.year} 年的放假与调休安排还没有录入",
            text="系统还没有收录国务院办公厅的通知，目前按周末和法定节日休息推算。请在校历中导入或逐日设置，完成后点「安排已录入」。",
            path=f"/calendar/?year={row.year}",
            subject=row,
            occasion=f"calendar.unknown:{row.year}",
            now=now,
            mail=True,
        )
        timeline.record(
            verb="calendar.year_unknown",
            sentence=f"{row.year} 年的放假与调休安排未收录，已提醒管理员",
            subject=row,
            by=Actor.system(tenant.school_id),
        )
    return [row.year for row in rows]


# --- Terms and vacations ----------------------------------------------------------------------------


@transaction.atomic
def add_period(*, kind: str, name: str, starts_on: date, ends_on: date, by: Actor, tenant: Tenant) -> Period:
    """Add a term or vacation, both days included. Locks the calendar.

    Raises NotAllowed, Invalid, YearOutside, PeriodBackwards, PeriodTooLong, PeriodNameTaken, PeriodOverlaps.
    """
    if not policies.can_manage(by):
        raise NotAllowed
    _lock(tenant)
    row = Period(kind=_period_kind(kind), name=_period_name(name), starts_on=starts_on, ends_on=ends_on)
    _check_period(row)
    row.save(force_insert=True)
    _tell_period("added", "新增", row, by)
    return row


@transaction.atomic
def change_period(*, period_id: UUID, name: str, starts_on: date, ends_on: date, by: Actor, tenant: Tenant) -> Period:
    """Change name or days of a term or vacation. Locks the calendar. Raises as add_period, NotFound."""
    if not policies.can_manage(by):
        raise NotAllowed
    _lock(tenant)
    row = _period(period_id)
    row.name, row.starts_on, row.ends_on = _period_name(name), starts_on, ends_on
    _check_period(row)
    row.save(update_fields=["name", "starts_on", "ends_on"])
    _tell_period("changed", "修改", row, by)
    return row


@transaction.atomic
def remove_period(*, period_id: UUID, by: Actor, tenant: Tenant) -> None:
    """Delete a term or vacation. Locks the calendar. Raises NotAllowed, NotFound."""
    if not policies.can_manage(by):
        raise NotAllowed
    _lock(tenant)
    row = _period(period_id)
    _tell_period("removed", "删除", row, by)
    row.delete()


# --- Seasons ---------------------------------------------------------------------------------------


@transaction.atomic
def set_season(
    *, code: str, name: str = "", starts: str, ends: str, active: bool = True, by: Actor, tenant: Tenant
) -> SeasonRule:
    """Give a season the school's own dates, or add one. Locks the calendar.

    `starts` and `ends` are "MM-DD" or a 节气 code. Raises NotAllowed, Invalid, seasons.SeasonDateWrong.
    """
    if not policies.can_manage(by):
        raise NotAllowed
    code = code.strip().lower()
    if not code.isascii() or not code.replace("_", "").isalnum() or len(code) > 24:
        raise Invalid("季节代码只能用英文字母、数字和下划线，最多 24 位。", field="code")
    default = seasons.DEFAULTS.get(code)
    name = " ".join(name.split()) or (default.name if default else "")
    if not name or len(name) > 20:
        raise Invalid("请填写季节名称，最多 20 字。", field="name")
    starts, ends = seasons.clean(starts, "starts"), seasons.clean(ends, "ends")
    if starts == ends:
        raise Invalid("季节的开始和结束不能相同，请修改。", field="ends")
    _lock(tenant)
    row, _made = SeasonRule.objects.update_or_create(
        code=code, defaults={"name": name, "starts": starts, "ends": ends, "active": active}
    )
    timeline.record(
        verb="calendar.season_set",
        sentence=f"{name}设为 {seasons.say(starts)} 至 {seasons.say(ends)}" + ("" if active else "（停用）"),
        subject=row,
        by=by,
    )
    return row


@transaction.atomic
def reset_season(*, code: str, by: Actor, tenant: Tenant) -> None:
    """Go back to the default dates, or delete a season of the school's own. Raises NotAllowed, SeasonNotOwn."""
    if not policies.can_manage(by):
        raise NotAllowed
    _lock(tenant)
    row = SeasonRule.objects.filter(code=code).first()
    if row is None:
        raise SeasonNotOwn
    timeline.record(verb="calendar.season_reset", sentence=f"{row.name}恢复默认起止日期", subject=row, by=by)
    row.delete()


# --- Import ----------------------------------------------------------------------------------------


@transaction.atomic
def apply_rows(*, rows: Sequence[Row], by: Actor, tenant: Tenant, now: datetime) -> dict[str, int]:
    """Write the rows of an import: all or nothing; the same rows twice change nothing. Locks the calendar.

    Terms and vacations are matched by name. Returns counts {new, updated, unchanged}. Raises NotAllowed, and
    whatever a row by itself is refused for.
    """
    if not policies.can_manage(by):
        raise NotAllowed
    if len(rows) > MOST_ROWS:
        raise Invalid(f"一次最多导入 {MOST_ROWS} 行，请分成几次。", field="rows")
    _lock(tenant)
    counts = {"new": 0, "updated": 0, "unchanged": 0}
    named = names_of(rows)
    effects = [effect_of(row, besides=named) for row in rows]
    counts |= {effect: effects.count(effect) for effect in counts}
    old = _taken_out([row for row, effect in zip(rows, effects, strict=True) if effect == "updated"])
    for row, effect in zip(rows, effects, strict=True):
        if effect != "unchanged":
            _apply(row, old, now)
    timeline.record(
        verb="calendar.imported",
        sentence=f"导入校历：新增 {counts['new']}，更新 {counts['updated']}",
        subject=SpecialDay(),
        by=by,
        counts=counts,
    )
    if counts["new"] or counts["updated"]:
        _follow(tenant)
    return counts


def names_of(rows: Iterable[Row]) -> set[str]:
    """The terms and vacations that an import speaks of: with it they change together."""
    return {" ".join(row.name.split()) for row in rows if row.kind in PeriodKind.values}


def effect_of(row: Row, *, besides: Collection[str] = ()) -> str:
    """What a row would do now: "new", "updated" or "unchanged". Writes nothing. Raises as the row would be refused.

    `besides`: names of terms and vacations that the same import changes too, so that their days now are no obstacle.
    """
    if row.kind in PeriodKind.values:
        known = Period.objects.filter(name=_period_name(row.name)).first()
        wanted = Period(kind=row.kind, name=row.name, starts_on=row.starts_on, ends_on=row.ends_on)
        if known:
            wanted.pk = known.pk
        _check_period(wanted, besides=besides)
        if known is None:
            return "new"
        same = (known.kind, known.starts_on, known.ends_on) == (row.kind, row.starts_on, row.ends_on)
        return "unchanged" if same else "updated"
    run = _run(row.starts_on, row.ends_on)
    own = {r.day: (r.kind, r.name) for r in SpecialDay.objects.filter(day__in=run)}
    wish = (_clean_kind(row.kind), _clean_name(row.name))
    if all(own.get(d, queries.plain_day(d)) == wish or _as_is(d, wish, own) for d in run):
        return "unchanged"
    return "updated" if own else "new"


def _as_is(day: date, wish: tuple[str, str], own: dict[date, tuple[str, str]]) -> bool:
    """The State already makes the day so; a name written a little differently is no difference."""
    return day not in own and queries.plain_day(day)[0] == wish[0]


def _taken_out(rows: Sequence[Row]) -> dict[str, Period]:
    """Terms and vacations that are to change, taken out so that two may move into each other's old days; by name."""
    found = {p.name: p for p in Period.objects.filter(name__in=names_of(rows))}
    Period.objects.filter(name__in=found).delete()
    return found


def _apply(row: Row, old: dict[str, Period], now: datetime) -> None:
    if row.kind not in PeriodKind.values:
        _put(_run(row.starts_on, row.ends_on), _clean_kind(row.kind), _clean_name(row.name), now)
        return
    made = Period(kind=row.kind, name=_period_name(row.name), starts_on=row.starts_on, ends_on=row.ends_on)
    if made.name in old:
        made.pk = old[made.name].pk
    _check_period(made)
    made.save(force_insert=True)


# --- Shared ----------------------------------------------------------------------------------------


def _lock(tenant: Tenant) -> None:
    """Writers of one school's calendar stand in line: it is small and seldom written."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"calendar|{tenant.schema}"])


def _follow(tenant: Tenant) -> None:
    """Rosters that were made by the calendar follow it. By name only: rosters lie above the calendar."""
    enqueue_on_commit("rosters.follow_calendar", tenant=tenant)


def _put(run: Iterable[date], kind: str, name: str, now: datetime) -> list[SpecialDay]:
    run = list(run)
    differ = [d for d in run if queries.plain_day(d)[0] != kind or (name and queries.plain_day(d)[1] != name)]
    SpecialDay.objects.filter(day__in=set(run) - set(differ)).delete()
    SpecialDay.objects.bulk_create(
        [SpecialDay(day=d, kind=kind, name=name, changed_at=now) for d in differ],
        update_conflicts=True,
        unique_fields=["day"],
        update_fields=["kind", "name", "changed_at"],
    )
    return list(SpecialDay.objects.filter(day__in=differ))


def _in_reach(*days: date) -> None:
    if any(not FIRST_YEAR <= d.year <= LAST_YEAR for d in days):
        raise YearOutside


def _year(year: int) -> int:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise YearOutside
    return year


def _run(first: date, last: date) -> list[date]:
    _in_reach(first, last)
    if last < first:
        raise PeriodBackwards(field="last")
    length = (last - first).days + 1
    if length > LONGEST_RUN:
        raise RunTooLong(field="last")
    return [first + timedelta(days=n) for n in range(length)]


def _clean_kind(kind: str) -> str:
    if kind not in DayKind.values:
        raise Invalid("请选择日期类型。", field="kind")
    return kind


def _clean_name(name: str) -> str:
    name = " ".join(name.split())
    if len(name) > 40:
        raise Invalid("名称最多 40 字。", field="name")
    return name


def _period_kind(kind: str) -> str:
    if kind not in PeriodKind.values:
        raise Invalid("请选择学期或假期。", field="kind")
    return kind


def _period_name(name: str) -> str:
    name = _clean_name(name)
    if not name:
        raise Invalid("请填写名称，例如：2026—2027学年第一学期。", field="name")
    return name


def _period(period_id: UUID) -> Period:
    row = Period.objects.filter(pk=period_id).first()
    if row is None:
        raise NotFound
    return row


def _check_period(row: Period, *, besides: Collection[str] = ()) -> None:
    _in_reach(row.starts_on, row.ends_on)
    if row.ends_on < row.starts_on:
        raise PeriodBackwards(field="ends_on")
    if (row.ends_on - row.starts_on).days > 300:
        raise PeriodTooLong(field="ends_on")
    others = Period.objects.exclude(pk=row.pk)
    if others.filter(name=row.name).exists():
        raise PeriodNameTaken(field="name", name=row.name)
    over = (
        others.exclude(name__in=besides)
        .filter(kind=row.kind, starts_on__lte=row.ends_on, ends_on__gte=row.starts_on)
        .first()
    )
    if over:
        raise PeriodOverlaps(
            field="starts_on", name=over.name, starts=over.starts_on.isoformat(), ends=over.ends_on.isoformat()
        )


def _tell_period(verb: str, word: str, row: Period, by: Actor) -> None:
    timeline.record(
        verb=f"calendar.period_{verb}",
        sentence=f"{word}{PeriodKind(row.kind).label}「{row.name}」{_span(row.starts_on, row.ends_on)}",
        subject=row,
        by=by,
        starts_on=row.starts_on.isoformat(),
        ends_on=row.ends_on.isoformat(),
    )


def _span(first: date, last: date) -> str:
    return first.isoformat() if first == last else f"{first.isoformat()} 至 {last.isoformat()}"
