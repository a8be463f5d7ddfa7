"""A month's roster from a workbook: checked first, written once, refusals row by row."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import openpyxl
import pytest

from identity.choices import Role
from identity.contracts import Actor
from kernel import clock, spreadsheets
from kernel.clock import SHANGHAI
from kernel.errors import NotAllowed
from kernel.spreadsheets import BadFile
from kernel.tenancy import Tenant
from tenants.jobs import files
from tenants.jobs import imports as flow
from tenants.jobs.models import Job
from tenants.rosters.imports import ROSTER, read, template
from tenants.rosters.models import Assignment
from tests.factories.findings import make_member
from tests.factories.organisation import make_contract, make_post, make_staff
from tests.factories.rosters import make_assignment, make_leave, make_shift

HEAD: list[Any] = ["工号", "姓名", datetime(2026, 6, 15), "2026-06-16", "2026年6月17日（周三）"]


def book(*rows: list[Any], title: str = "排班表") -> bytes:
    made = openpyxl.Workbook()
    sheet = made.active
    assert sheet is not None
    sheet.title = title
    for row in rows:
        sheet.append(row)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


@pytest.fixture
def admin(alpha: Tenant) -> Actor:
    return make_member(alpha, Role.SCHOOL_ADMIN)


def checked(
    tenant: Tenant, by: Actor, content: bytes, name: str = "六月.xlsx", time: Callable[[], datetime] = clock.now
) -> Job:
    job = flow.start(ROSTER, file_name=name, content=content, by=by, tenant=tenant, now=time())
    flow.check_job(ROSTER, job_id=job.pk, tenant=tenant, clock=time)
    job.refresh_from_db()
    return job


def applied(tenant: Tenant, by: Actor, job: Job, time: Callable[[], datetime] = clock.now) -> Job:
    row = flow.confirm(ROSTER, job_id=job.pk, by=by, tenant=tenant, now=time())
    flow.apply_job(ROSTER, job_id=row.pk, tenant=tenant, clock=time)
    row.refresh_from_db()
    return row


def counts(job: Job) -> tuple[int, int, int, int]:
    c = job.result["counts"]
    return c["new"], c["updated"], c["unchanged"], c["wrong"]


def test_the_preview_names_whose_leave_a_cell_covers(alpha: Tenant, admin: Actor) -> None:
    post = make_post()
    free, gone = make_staff("甲", post=post, number="G1"), make_staff("乙", post=post, number="G2")
    make_shift(code="早", spans=[(360, 720)])
    make_leave(gone, datetime(2026, 6, 16, tzinfo=SHANGHAI), datetime(2026, 6, 17, tzinfo=SHANGHAI))
    job = checked(alpha, admin, book(HEAD, ["G1", free.name, "早", "早", ""], ["G2", gone.name, "早", "早", ""]))
    assert counts(job) == (4, 0, 0, 0)
    words = [row[2] for row in job.result["sample"]]
    assert words == ["乙：6月16日 早（已请假，请核对），6月15日 早", "甲：6月15日 早，6月16日 早"]


def test_nothing_is_written_before_the_confirmation_and_twice_changes_nothing(alpha: Tenant, admin: Actor) -> None:
    person = make_staff("甲", post=make_post(), number="G1")
    make_shift(code="早", spans=[(360, 720)])
    make_shift(code="晚", spans=[(840, 1200)])
    content = book(HEAD, ["G1", "甲", "早", "早+晚", "休"])
    job = checked(alpha, admin, content)
    assert counts(job) == (3, 0, 0, 0)
    assert not Assignment.objects.exists()
    assert applied(alpha, admin, job).state == "done"
    rows = Assignment.objects.filter(staff=person).values_list("day", "shift__code", "source", "published_at")
    assert sorted((d.day, c or "休", s) for d, c, s, _p in rows) == [
        (15, "早", "import"), (16, "早", "import"), (16, "晚", "import"), (17, "休", "import")
    ]  # fmt: skip
    again = checked(alpha, admin, content)
    assert counts(again) == (0, 0, 3, 0)
    with pytest.raises(flow.NothingToDo):
        flow.confirm(ROSTER, job_id=again.pk, by=admin, tenant=alpha, now=clock.now())


def test_a_row_that_was_wrong_when_it_was_looked_at_stays_out(alpha: Tenant, admin: Actor) -> None:
    make_staff("甲", post=make_post(), number="G1")
    make_shift(code="早", spans=[(360, 720)])
    job = checked(alpha, admin, book(HEAD, ["G1", "甲", "早", "", ""], ["G9", "谁", "早", "", ""]))
    assert counts(job) == (1, 0, 0, 1)
    make_staff("谁", post=make_post(), number="G9")
    assert counts(applied(alpha, admin, job)) == (1, 0, 0, 1)
    assert {a.staff.number for a in Assignment.objects.select_related("staff")} == {"G1"}


def test_wrong_rows_are_named_left_out_and_come_back_as_a_file(alpha: Tenant, admin: Actor) -> None:
    make_staff("甲", post=make_post(), number="G1")
    make_staff("乙", post=make_post(), number="G2")
    make_staff("丙", post=make_post(certificates=["electrician"]), number="G3")
    make_shift(code="早", spans=[(300, 780)])
    make_shift(code="夜", spans=[(1320, 1800)])
    job = checked(
        alpha, admin,
        book(HEAD, ["G1", "甲", "早", "", ""], ["G2", "乙", "夜", "早", ""], ["G3", "丙", "早", "", ""],
             ["G9", "谁", "早", "", ""], ["G1", "甲", "早", "", ""], ["G2", "甲", "飞", "", ""], ["", "丁", "早", "", ""]),
    )  # fmt: skip
    assert counts(job) == (1, 0, 0, 6)
    said = {n: "；".join(words) for n, words in job.result["errors"]}
    assert "重叠" in said[3] and "电工" in said[4] and "G9" in said[5] and "重复" in said[6]
    assert "不一致" in said[7] and "没有填写" in said[8]
    corrected = spreadsheets.read(files.read(tenant=alpha, path=job.output_path))[0]
    assert any("错误原因" in str(c) for row in corrected.rows for c in row)
    applied(alpha, admin, job)
    assert Assignment.objects.count() == 1


def test_a_filled_cell_is_updated_and_a_blank_one_left_alone(alpha: Tenant, admin: Actor) -> None:
    person = make_staff("甲", post=make_post(), number="G1")
    make_shift(code="早")
    for day in (15, 16):
        make_assignment(alpha, day=date(2026, 6, day), staff=person, shift=make_shift(), published=False)
    job = checked(alpha, admin, book(HEAD, ["G1", "甲", "早", "", ""]))
    assert counts(job) == (0, 1, 0, 0)
    applied(alpha, admin, job)
    assert Assignment.objects.filter(cancelled_at__isnull=True).count() == 2


def test_day_numbers_take_the_month_from_above_and_gb18030_is_read(alpha: Tenant, admin: Actor) -> None:
    person = make_staff("甲", post=make_post(), number="G1")
    make_shift(code="早")
    text = "东校区 2026年6月 排班表\r\n工号,姓名,15,16日\r\nG1,甲,早,休\r\n合计,,1,\r\n"
    job = checked(alpha, admin, text.encode("gb18030"), "六月.csv")
    assert counts(job) == (2, 0, 0, 1)  # the row of totals is no person
    applied(alpha, admin, job)
    assert Assignment.objects.filter(staff=person, day=date(2026, 6, 16), shift__isnull=True).exists()


@pytest.mark.parametrize(
    "rows", [[["姓名", "班"]], [["工号", "1", "2"], ["G1", "早"]], [HEAD], [[*HEAD, "2026-06-15"], ["G1"]]]
)
def test_files_without_a_head_days_or_rows_are_refused(rows: list[list[Any]]) -> None:
    with pytest.raises(BadFile):
        read(spreadsheets.read(book(*rows)))


def test_the_template_is_read_back_without_its_example(alpha: Tenant, admin: Actor) -> None:
    make_shift(code="早")
    _name, content = template(by=admin, first=date(2026, 6, 1), days=[date(2026, 6, 1), date(2026, 6, 2)])
    with pytest.raises(BadFile, match="file_unreadable"):
        read(spreadsheets.read(content))  # heads are found, there is no row yet


def test_a_company_imports_its_own_people_alone(alpha: Tenant) -> None:
    party = make_contract()
    manager = make_member(alpha, Role.PROVIDER_MANAGER, provider_id=party.provider_id)
    make_staff("甲", post=make_post(party=party), number="G1")
    make_staff("乙", post=make_post(), number="G2")
    make_shift(code="早")
    sheet = book(HEAD, ["G1", "甲", "早", "", ""], ["G2", "乙", "早", "", ""])
    assert counts(checked(alpha, manager, sheet)) == (0, 0, 0, 2)  # its days have begun: the school alone

    def before() -> datetime:
        return datetime(2026, 6, 1, tzinfo=UTC)

    job = checked(alpha, manager, sheet, time=before)
    assert counts(job) == (1, 0, 0, 1)
    applied(alpha, manager, job, time=before)
    assert [a.staff.name for a in Assignment.objects.all()] == ["甲"]
    with pytest.raises(NotAllowed):
        checked(alpha, make_member(alpha, Role.FRONTLINE), book(HEAD))


def test_an_exported_roster_read_back_leaves_people_at_the_posts_they_were_rostered_at(
    alpha: Tenant, admin: Actor
) -> None:
    own = make_post()
    person, gate = make_staff("甲", post=own, number="G1"), make_post("东门岗", party=own.party)
    early = make_shift(code="早", spans=[(360, 720)])
    make_shift(code="晚", spans=[(840, 1200)])
    make_assignment(alpha, day=date(2026, 6, 15), staff=person, shift=early, post=gate)
    job = checked(alpha, admin, book(HEAD, ["G1", "甲", "早+晚", "", ""]))
    assert counts(job) == (0, 1, 0, 0)
    applied(alpha, admin, job)
    rows = Assignment.objects.filter(staff=person, cancelled_at__isnull=True)
    assert {(str(a.shift.code), a.post_id) for a in rows if a.shift} == {("早", gate.pk), ("晚", own.pk)}
    assert counts(checked(alpha, admin, book(HEAD, ["G1", "甲", "早+晚", "", ""]))) == (0, 0, 1, 0)
