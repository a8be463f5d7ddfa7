"""Import of staff and places: nothing before the confirmation, each wrong row with its reason, never twice."""

from __future__ import annotations

import io
from datetime import date, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import openpyxl
import pytest
from django.db import connection
from stdnum.cn import ric

from identity.choices import Role
from kernel import clock, spreadsheets
from kernel.errors import NotAllowed, NotFound
from kernel.spreadsheets import BadFile
from kernel.tenancy import Tenant
from tenants.jobs import operations as jobs
from tenants.jobs import queries as job_queries
from tenants.jobs.models import Job
from tenants.organisation import operations, queries
from tenants.organisation.imports import flow
from tenants.organisation.models import Place, Staff
from tenants.timeline.models import Event
from tests.factories.identity import school_actor
from tests.factories.organisation import make_department, make_place, make_post, make_staff
from tests.factories.xls import workbook as old_workbook
from tests.kernel.test_spreadsheets import xlsx
from tests.tenants.organisation.test_queries import ADMIN, actor

HEADS = ["工号*", "姓名*", "所属单位*", "岗位", "手机号", "身份证号", "入职日期"]
PHONE, ID_CARD = "13800138000", "11010519491231002X"


@pytest.fixture(autouse=True)
def media(settings: object, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path  # type: ignore[attr-defined]


def card(n: int) -> str:
    front = f"110105{date(1970, 1, 1) + timedelta(days=n // 900):%Y%m%d}{n % 900 + 100:03}"
    return front + ric.calc_check_digit(front + "0")


def check(tenant: Tenant, content: bytes, what: str = "staff") -> Job:
    """Upload and check, as web and worker do."""
    job = flow.start_import(what=what, file_name="名单.xlsx", content=content, by=ADMIN, tenant=tenant, now=clock.now())
    flow.check_job(job_id=job.pk, tenant=tenant, clock=clock.now)
    job.refresh_from_db()
    return job


def confirm(tenant: Tenant, job: Job) -> Job:
    applying = flow.confirm_import(job_id=job.pk, by=ADMIN, tenant=tenant, now=clock.now())
    flow.apply_job(job_id=applying.pk, tenant=tenant, clock=clock.now)
    applying.refresh_from_db()
    return applying


def counts(job: Job) -> tuple[int, int, int, int]:
    assert job.state == "done", job.sentence
    c = job.result["counts"]
    return c["new"], c["updated"], c["unchanged"], c["wrong"]


def test_good_rows_wrong_rows_and_the_same_file_again(alpha: Tenant) -> None:
    party = make_department("后勤保障部")
    make_post("保洁员", party=party)
    content = xlsx(
        [
            HEADS,
            ["G1", "张三", "后勤保障部", "保洁员", PHONE, ID_CARD, datetime(2026, 3, 1)],
            ["G2", "李四", "后勤保障部", "", "138 0013 8001", card(1), "2026年3月1日"],
            ["G3", "王五", "不存在的单位", "", "", "", ""],
            ["G4", "赵六", "后勤保障部", "", "123", "110105194912310021", "昨天"],
            ["G1", "张三", "后勤保障部", "", "", "", ""],
        ]
    )
    job = check(alpha, content)
    assert counts(job) == (2, 0, 0, 3) and not Staff.objects.exists()
    reasons = {number: "".join(words) for number, words in job.result["errors"]}
    assert "不存在的单位" in reasons[4] and "与第 2 行重复" in reasons[6]
    assert all(word in reasons[5] for word in ("手机号", "校验位", "不是日期"))
    assert ID_CARD not in str(job.result) and PHONE not in str(job.result)

    applied = confirm(alpha, job)
    assert counts(applied) == (2, 0, 0, 3)
    one = Staff.objects.get(number="G1")
    assert (one.name, one.hired_on, one.phone_masked, one.post.name) == (
        "张三", date(2026, 3, 1), "138****8000", "保洁员",
    )  # fmt: skip
    assert operations.reveal(staff_id=one.pk, what="id_card", by=ADMIN, tenant=alpha) == ID_CARD
    assert Event.objects.filter(verb="staff.imported").count() == 1

    before = list(Staff.objects.order_by("number").values())
    again = check(alpha, content)
    assert counts(again) == (0, 0, 2, 3)
    with pytest.raises(flow.NothingToDo):
        flow.confirm_import(job_id=again.pk, by=ADMIN, tenant=alpha, now=clock.now())
    assert list(Staff.objects.order_by("number").values()) == before


def test_a_row_that_was_wrong_when_somebody_looked_is_never_written(alpha: Tenant) -> None:
    make_department("后勤保障部")
    job = check(alpha, xlsx([HEADS, ["G1", "张三", "后勤保障部"], ["G2", "李四", "还没登记的单位"]]))
    assert counts(job) == (1, 0, 0, 1)
    make_department("还没登记的单位")
    assert counts(confirm(alpha, job)) == (1, 0, 0, 1)  # what the button said
    assert [s.number for s in Staff.objects.all()] == ["G1"]


def test_the_corrected_file_can_be_mended_and_sent_again(alpha: Tenant) -> None:
    make_department("后勤保障部")
    job = check(alpha, xlsx([HEADS, ["G1", "张三", "后勤保障部"], ["G2", "李四", "没有"], ["G3", "=1", "后勤保障部"]]))
    name, content = job_queries.output(job.pk, by=ADMIN, tenant=alpha)
    assert name.endswith(".xlsx")
    book = openpyxl.load_workbook(io.BytesIO(content))
    sheet = book.active
    assert [c.value for c in sheet[1]] == [*HEADS, "错误原因"]
    assert sheet["H2"].value is None and "没有" in sheet["H3"].value and "公式" in sheet["H4"].value
    sheet["C3"], sheet["B4"] = "后勤保障部", "王五"
    buffer = io.BytesIO()
    book.save(buffer)
    assert counts(check(alpha, buffer.getvalue())) == (3, 0, 0, 0)
    with pytest.raises(NotFound):
        job_queries.output(job.pk, by=actor(Role.SCHOOL_ADMIN), tenant=alpha)


def test_changes_are_told_and_empty_cells_keep_what_is_there(alpha: Tenant) -> None:
    party, other = make_department("后勤保障部"), make_department("保卫处")
    post = make_post("保洁员", party=party)
    person = make_staff("张三", number="G1", party=party, post=post, phone=PHONE, id_card=ID_CARD)
    job = check(alpha, xlsx([HEADS, ["G1", "张三丰", "保卫处", "", "13800138001", "", ""]]))
    assert counts(job) == (0, 1, 0, 0) and "姓名、所属单位、岗位、手机号" in job.result["sample"][0][2]
    confirm(alpha, job)
    person.refresh_from_db()
    assert (person.name, person.party, person.post_id, person.phone_masked) == ("张三丰", other, None, "138****8001")
    assert person.id_card_masked == "11**************2X" and person.hired_on is None


def test_an_id_card_belongs_to_one_person(alpha: Tenant) -> None:
    party = make_department("后勤保障部")
    make_staff(number="G9", party=party, id_card=ID_CARD)
    gone = make_staff(number="G8", party=party)
    operations.leave(staff_id=gone.pk, left_on=date(2026, 1, 1), now=clock.now(), by=school_actor(alpha), tenant=alpha)
    job = check(
        alpha,
        xlsx([HEADS, ["G1", "甲", "后勤保障部", "", "", ID_CARD], ["G2", "乙", "后勤保障部", "", "", card(1)],
              ["G3", "丙", "后勤保障部", "", "", card(1)], ["G8", "丁", "后勤保障部"]]),
    )  # fmt: skip
    reasons = {number: "".join(words) for number, words in job.result["errors"]}
    assert "工号 G9" in reasons[2] and "与第 3 行相同" in reasons[4] and "离职" in reasons[5]
    assert counts(job) == (1, 0, 0, 3)


@pytest.mark.parametrize("kind", ["xls", "utf-8", "utf-8-sig", "gb18030"])
def test_xls_and_csv_are_read_too(alpha: Tenant, kind: str) -> None:
    make_department("后勤保障部")
    rows = [HEADS, ["G1", "张三", "后勤保障部", "", PHONE, ID_CARD, "2026/3/1"]]
    content = old_workbook(rows) if kind == "xls" else "\n".join(",".join(r) for r in rows).encode(kind)  # type: ignore[arg-type]
    job = check(alpha, content)
    assert counts(job) == (1, 0, 0, 0)
    confirm(alpha, job)
    assert Staff.objects.get().hired_on == date(2026, 3, 1)


def test_heads_under_a_title_with_other_words_and_order(alpha: Tenant) -> None:
    make_department("后勤保障部")
    job = check(
        alpha,
        xlsx([["2026 年员工花名册"], [], ["序号", "姓名", "员工编号", "部门（必填）", "备注"], [1, "张三", 1001, "后勤保障部", "x"]]),
    )  # fmt: skip
    assert counts(job) == (1, 0, 0, 0)
    confirm(alpha, job)
    assert Staff.objects.get().number == "1001"


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([["菜名", "价格"], ["面", 5]], "没有找到表头"),
        ([["工号", "姓名"], ["G1", "张三"]], "缺少必填列：所属单位"),
        ([["工号", "姓名", "姓名", "所属单位"], ["G1", "张三", "张", "x"]], "表头重复：姓名"),
        ([HEADS], "没有数据"),
    ],
)
def test_wrong_sheets_are_refused_whole(alpha: Tenant, rows: list[list[object]], words: str) -> None:
    job = check(alpha, xlsx(rows))
    assert job.state == "failed" and words in job.sentence


def test_merged_and_lost_numbers_are_explained(alpha: Tenant) -> None:
    make_department("后勤保障部")
    book = openpyxl.Workbook()
    for row in (
        HEADS,
        ["G1", "甲", "后勤保障部"],
        ["G2", "乙"],
        ["G3", "丙", "后勤保障部", "", "", 110105194912310021],
    ):
        book.active.append(row)
    book.active.merge_cells("C2:C3")
    buffer = io.BytesIO()
    book.save(buffer)
    job = check(alpha, buffer.getvalue())
    reasons = {number: "".join(words) for number, words in job.result["errors"]}
    assert "合并单元格" in reasons[3] and "末三位已丢失" in reasons[4]


def test_what_is_no_table_is_refused_at_the_door(alpha: Tenant) -> None:
    with pytest.raises(BadFile):
        flow.start_import(
            what="staff", file_name="x.xlsx", content=b"%PDF-1.4", by=ADMIN, tenant=alpha, now=clock.now()
        )
    for other in (actor(Role.SCHOOL_SUPERVISOR), actor(Role.PROVIDER_MANAGER, provider_ids=frozenset({uuid4()}))):
        with pytest.raises(NotAllowed):
            flow.start_import(what="staff", file_name="x", content=b"a,b", by=other, tenant=alpha, now=clock.now())
        with pytest.raises(NotAllowed):
            flow.template("staff", by=other)
    assert not Job.objects.exists()


@pytest.mark.parametrize("what", ["staff", "places"])
def test_the_filled_template_is_understood_and_its_example_ignored(alpha: Tenant, what: str) -> None:
    make_department("后勤保障部")
    make_place("东校区")
    _name, content = flow.template(what, by=ADMIN)
    book = openpyxl.load_workbook(io.BytesIO(content))
    row = ["G1", "张三", "后勤保障部"] if what == "staff" else ["东校区", "1号公寓", "楼栋"]
    for column, value in enumerate(row, start=1):
        book.worksheets[0].cell(4, column, value)
    buffer = io.BytesIO()
    book.save(buffer)
    job = check(alpha, buffer.getvalue(), what)
    assert counts(job) == (1, 0, 0, 0), job.result


def test_places_in_any_order_with_parents_from_file_and_school(alpha: Tenant) -> None:
    east = make_place("东校区")
    heads = ["上级场所", "名称*", "类别*", "编码"]
    content = xlsx(
        [
            heads,
            ["东校区/1号公寓/1层", "101", "区域", "E1-101"],
            ["东校区 / 1号公寓", "1层", "楼层", ""],
            ["东校区 ／ 1号公寓", "2层", "楼层", ""],
            ["东校区", "1号公寓", "楼栋", ""],
            ["", "西校区", "校区", ""],
            ["北校区", "2号楼", "楼栋", ""],
            ["东校区", "五层", "楼层", ""],
            ["东校区 / 五层", "501", "区域", ""],
            ["西校区", "食堂", "饭店", ""],
            ["西校区", "食堂", "楼栋", "e1-101"],
            ["东校区", "", "楼栋", ""],
        ]
    )
    job = check(alpha, content, "places")
    reasons = {number: "".join(words) for number, words in job.result["errors"]}
    assert counts(job) == (5, 0, 0, 6), reasons
    assert "不存在" in reasons[7] and "不能放在校区" in reasons[8] and "第 8 行有错误" in reasons[9]
    assert "应为：校区" in reasons[10] and "与第 2 行重复" in reasons[11] and "没有填写" in reasons[12]
    confirm(alpha, job)
    room = queries.place_of_code("E1-101")
    assert room.full_name == "东校区 / 1号公寓 / 1层 / 101"
    assert [p.name for p in queries.ancestors_of(room)] == ["东校区", "1号公寓", "1层", "101"]
    assert room.path.startswith(str(east.pk))
    assert counts(check(alpha, content, "places"))[:3] == (0, 0, 5)
    change = check(alpha, xlsx([heads, ["东校区 / 1号公寓", "1层", "楼层", "E1-1F"]]), "places")
    assert counts(change) == (0, 1, 0, 0)
    confirm(alpha, change)
    assert queries.place_of_code("E1-1F").name == "1层"


def test_a_second_confirmation_is_the_same_import(alpha: Tenant) -> None:
    make_department("后勤保障部")
    job = check(alpha, xlsx([HEADS, ["G1", "张三", "后勤保障部"]]))
    one = flow.confirm_import(job_id=job.pk, by=ADMIN, tenant=alpha, now=clock.now())
    two = flow.confirm_import(job_id=job.pk, by=ADMIN, tenant=alpha, now=clock.now())
    assert one.pk == two.pk
    flow.apply_job(job_id=one.pk, tenant=alpha, clock=clock.now)
    flow.apply_job(job_id=one.pk, tenant=alpha, clock=clock.now)
    assert Staff.objects.count() == 1 and Event.objects.filter(verb="staff.imported").count() == 1
    with pytest.raises(NotFound):
        flow.confirm_import(job_id=job.pk, by=actor(Role.SCHOOL_ADMIN), tenant=alpha, now=clock.now())


def test_a_worker_that_was_given_up_writes_nothing(alpha: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first worker hangs in the middle; the sweep gives the job to a second one; then the first wakes up."""
    make_department("后勤保障部")
    job = check(alpha, xlsx([HEADS, ["G1", "张三", "后勤保障部"]]))
    applying = flow.confirm_import(job_id=job.pk, by=ADMIN, tenant=alpha, now=clock.now())
    later = clock.now() + timedelta(minutes=5)
    real = flow.spreadsheets.read

    def hang(data: bytes) -> list[spreadsheets.Sheet]:
        monkeypatch.setattr(flow.spreadsheets, "read", real)
        assert jobs.resume(job_id=applying.pk, tenant=alpha, now=later)
        flow.apply_job(job_id=applying.pk, tenant=alpha, clock=lambda: later)
        return real(data)

    monkeypatch.setattr(flow.spreadsheets, "read", hang)
    flow.apply_job(job_id=applying.pk, tenant=alpha, clock=clock.now)
    applying.refresh_from_db()
    assert applying.state == "done" and applying.attempts == 2
    assert Staff.objects.count() == 1 and Event.objects.filter(verb="staff.imported").count() == 1


def test_uploaded_files_lie_sealed_and_go_after_a_week(alpha: Tenant, tmp_path: Path) -> None:
    make_department("后勤保障部")
    csv = ("工号,姓名,所属单位,身份证号\n" + f"G1,张三,没有,{ID_CARD}\n").encode()
    job = check(alpha, csv)
    stored = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert len(stored) == 2 and all(ID_CARD.encode() not in p.read_bytes() for p in stored)
    assert jobs.remove_old_files(now=clock.now() + timedelta(days=8)) == 1
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]
    job.refresh_from_db()
    assert "errors" not in job.result and job.result["counts"]["wrong"] == 1


def test_ten_thousand_rows(alpha: Tenant) -> None:
    """No timing asserted; the number of statements does not grow with the rows."""
    make_department("后勤保障部")
    rows = [
        HEADS,
        *([f"G{n:05}", f"员工{n}", "后勤保障部", "", f"138{n:08}", card(n), "2026-03-01"] for n in range(10_000)),
    ]
    job = check(alpha, xlsx(rows))  # type: ignore[arg-type]
    assert counts(job) == (10_000, 0, 0, 0), job.result["errors"][:3]
    with connection.execute_wrapper(counter := Counter()):
        applied = confirm(alpha, job)
    assert counts(applied) == (10_000, 0, 0, 0) and Staff.objects.count() == 10_000
    assert counter.statements < 120
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM organisation_staff t WHERE t::text ~ %s", [card(77)])
        assert cursor.fetchone() == (0,)


class Counter:
    statements = 0

    def __call__(self, execute, sql, params, many, context):  # type: ignore[no-untyped-def]
        self.statements += 1
        return execute(sql, params, many, context)


def test_ten_thousand_places(alpha: Tenant) -> None:
    heads = ["上级场所", "名称", "类别"]
    rows: list[list[object]] = [heads, ["", "东校区", "校区"]]
    for b in range(50):
        rows.append(["东校区", f"{b}号楼", "楼栋"])
        for f in range(1, 7):
            rows.append([f"东校区/{b}号楼", f"{f}层", "楼层"])
            rows.extend([f"东校区/{b}号楼/{f}层", f"{f}{r:02}", "区域"] for r in range(32))
    job = check(alpha, xlsx(rows), "places")
    assert counts(job) == (len(rows) - 1, 0, 0, 0)
    confirm(alpha, job)
    assert Place.objects.count() == len(rows) - 1
