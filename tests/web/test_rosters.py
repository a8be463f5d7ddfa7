"""Pages of rosters: the grid and its batched save, set-up, requests, the phone."""

from __future__ import annotations

import json
import re
from datetime import date, datetime, time, timedelta
from io import BytesIO

import openpyxl
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from identity import operations as identity
from identity.choices import GrantScope, Role
from identity.models import Account
from kernel import clock
from kernel.tenancy import Tenant
from tenants.organisation.models import Staff
from tenants.rosters.models import Assignment, Coverage, FollowedDay, Leave, Pattern, Rule, Shift, ShiftInstance, Swap
from tests.factories.calendar import make_special_day
from tests.factories.findings import make_member
from tests.factories.identity import make_member as make_institute_member
from tests.factories.organisation import make_certificate, make_contract, make_party, make_post, make_staff
from tests.factories.rosters import make_assignment, make_coverage, make_leave, make_pattern, make_shift
from web.tenant.rosters.forms import minute_of

HOST = "alpha.localhost"


def client_of(tenant: Tenant, role: Role = Role.SCHOOL_ADMIN, **more: object) -> Client:
    actor = make_member(tenant, role, **more)  # type: ignore[arg-type]
    client = Client(headers={"host": HOST})
    client.force_login(Account.objects.get(pk=actor.account_id))
    return client


def today(tenant: Tenant) -> date:
    return clock.now().astimezone(tenant.tz).date()


def save(client: Client, *cells: dict[str, object]) -> dict[str, object]:
    response = client.post("/rosters/save/", json.dumps({"cells": cells}), content_type="application/json")
    return {"status": response.status_code, **response.json()}


def test_the_grid_shows_people_days_leaves_and_missing_certificates(alpha: Tenant) -> None:
    client, day = client_of(alpha), today(alpha)
    person = make_staff("赵六", post=make_post("配电值班", certificates=["electrician"]))
    make_assignment(alpha, day=day, staff=person, shift=make_shift("夜班", code="夜"))
    noon = clock.now()
    make_leave(person, noon, noon + timedelta(hours=1))
    page = client.get("/rosters/").content.decode()
    data = json.loads(page.split('id="ro-data" type="application/json">')[1].split("</script>")[0])
    assert [p["name"] for p in data["people"]] == ["赵六"]
    assert len(data["days"]) == 14
    assert "没有有效的" in data["warnings"][f"{person.pk}|{day}"][0]
    assert "事假" in data["leaves"][f"{person.pk}|{day}"]


def test_the_grid_takes_the_same_queries_for_many_as_for_few(alpha: Tenant) -> None:
    client, day, shift = client_of(alpha), today(alpha), make_shift()

    def count() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert client.get("/rosters/?view=month").status_code == 200
        return len(seen)

    for _ in range(2):
        make_assignment(alpha, day=day, shift=shift, staff=make_staff(post=make_post()))
    count()  # the first page warms the session
    few = count()
    for n in range(12):
        make_assignment(alpha, day=day + timedelta(days=n % 3), shift=shift, staff=make_staff(post=make_post()))
    assert count() == few


def test_a_batch_is_saved_cell_by_cell(alpha: Tenant) -> None:
    client, day = client_of(alpha), today(alpha).isoformat()
    good, bad = make_staff(post=make_post()), make_staff("赵六", post=make_post(certificates=["electrician"]))
    shift = str(make_shift().pk)
    cell = {"day": day, "items": [{"shift": shift, "post": None, "place": None}], "seen": []}
    answer = save(client, {"staff": str(good.pk), **cell}, {"staff": str(bad.pk), **cell})
    assert answer["saved"] == 1
    [refused] = answer["refused"]  # type: ignore[misc]
    assert refused["code"] == "certificate_lacking" and "赵六" in refused["sentence"]
    assert answer["cells"][f"{good.pk}|{day}"][0]["draft"] is True  # type: ignore[index]
    assert answer["cells"][f"{bad.pk}|{day}"] == []  # type: ignore[index]
    again = save(client, {"staff": str(good.pk), **cell})
    assert again["refused"][0]["code"] == "roster_cell_changed"  # type: ignore[index]
    assert Assignment.objects.count() == 1


@pytest.mark.parametrize("body", ["", "[]", '{"cells": [{}]}', '{"cells": [{"staff": "x", "day": "9999-99-99"}]}', "{"])
def test_nonsense_is_refused_in_words(alpha: Tenant, body: str) -> None:
    response = client_of(alpha).post("/rosters/save/", body, content_type="application/json")
    assert response.status_code == 422 and "刷新" in response.json()["detail"]
    assert not Assignment.objects.exists()


def test_publish_copy_and_export(alpha: Tenant) -> None:
    client, day = client_of(alpha), today(alpha)
    monday = day - timedelta(days=day.weekday())
    person = make_staff("钱七", post=make_post())
    make_assignment(alpha, day=monday, staff=person, shift=make_shift(code="早"), published=False)
    client.post(f"/rosters/publish/?view=week&day={monday}")
    assert ShiftInstance.objects.filter(staff=person).count() == 1
    client.post(f"/rosters/copy/?view=week&day={monday + timedelta(days=7)}")
    assert Assignment.objects.filter(day=monday + timedelta(days=7), published_at__isnull=True).count() == 1
    book = openpyxl.load_workbook(BytesIO(client.get(f"/rosters/export/?view=week&day={monday}").content))
    rows = list(book.active.values)  # type: ignore[union-attr]
    assert rows[0][4] == str(monday) and rows[1][1] == "钱七" and rows[1][4] == "早"


def test_setup_pages_make_shifts_rules_coverage_and_cycles(alpha: Tenant) -> None:
    client, day, post = client_of(alpha), today(alpha), make_post()
    client.post(
        "/rosters/shifts/new/",
        {"name": "夜班", "code": "夜", "colour": "#5f3dc4", "kind": "fixed", "start1": "22:00", "end1": "次日06:00", "punches": "no_out"},
    )  # fmt: skip
    shift = Shift.objects.get()
    [segment] = shift.segments.all()
    assert (segment.end_minute, segment.needs_out) == (1800, False)
    assert "22:00—次日06:00" in client.get("/rosters/shifts/").content.decode()
    rule = {"scope": "post", "post": str(post.pk), "valid_from": str(day), "grace_minutes": 5, "early_grace_minutes": 0,
            "serious_minutes": 30, "half_absent_minutes": 120, "absent_minutes": 240, "in_before_minutes": 60,
            "out_after_minutes": 120, "report_hours": 12, "corrections_per_month": 3, "correction_days": 7}  # fmt: skip
    assert client.post("/rosters/rules/new/", {**rule, "grace_minutes": 500}).status_code == 422
    client.post("/rosters/rules/new/", rule)
    assert Rule.objects.get().post == post
    client.post(
        f"/rosters/coverage/{post.pk}/new/",
        {"persons": 2, "start": "22:00", "end": "次日06:00", "weekdays": ["1", "2"], "valid_from": str(day)},
    )
    row = Coverage.objects.get()
    assert (row.weekdays, row.end_minute, row.holidays) == (3, 1800, False)
    wrong = client.post("/rosters/patterns/new/", {"name": "轮班", "cells": "夜 早 休"})
    assert wrong.status_code == 422 and "早" in wrong.content.decode()
    client.post("/rosters/patterns/new/", {"name": "轮班", "cells": "夜 夜 休 休"})
    assert Pattern.objects.get().cells == [str(shift.pk)] * 2 + [None] * 2


def test_others_cannot_set_up(alpha: Tenant) -> None:
    client = client_of(alpha, Role.PROVIDER_MANAGER, provider_id=make_contract().provider_id)
    assert client.get("/rosters/").status_code == 200
    for path in ("shifts/new/", "rules/new/", f"coverage/{make_post().pk}/new/"):
        assert client.get(f"/rosters/{path}").status_code in (403, 404)
    worker = client_of(alpha, Role.FRONTLINE, staff_id=make_staff().pk)
    for path in ("", "requests/", "forecast/", "rules/", "export/"):
        assert worker.get(f"/rosters/{path}").status_code == 403


def test_a_company_sees_its_own_people_alone(alpha: Tenant) -> None:
    party = make_contract()
    client = client_of(alpha, Role.PROVIDER_MANAGER, provider_id=party.provider_id)
    make_staff("自家人", post=make_post(party=party))
    make_staff("别家人", post=make_post())
    page = client.get("/rosters/").content.decode()
    assert "自家人" in page and "别家人" not in page


def test_the_phone_shows_my_roster_and_takes_leave_and_swap(alpha: Tenant) -> None:
    day, post = today(alpha), make_post("门岗", party=make_party())
    me, mate = make_staff("甲", post=post), make_staff("乙", post=post)
    client = client_of(alpha, Role.FRONTLINE, staff_id=me.pk)
    row = make_assignment(alpha, day=day + timedelta(days=1), staff=me, shift=make_shift("夜班", spans=[(1320, 1800)]))
    make_assignment(alpha, day=day + timedelta(days=2), staff=mate)
    assert "夜班" in client.get("/m/roster/").content.decode()
    assert client.post(f"/m/roster/leave/?shift={row.pk}", {"kind": "sick", "reason": "发烧"}).status_code == 302
    leave = Leave.objects.get()
    assert leave.ends_at - leave.starts_at == timedelta(hours=8)  # the whole night, past midnight
    assert "乙" in client.get(f"/m/roster/swap/{row.pk}/").content.decode()
    assert client.post(f"/m/roster/swap/{row.pk}/", {"taker": str(mate.pk), "counter": ""}).status_code == 302
    swap = Swap.objects.get()
    other = client_of(alpha, Role.FRONTLINE, staff_id=mate.pk)
    assert "甲" in other.get("/m/roster/requests/").content.decode()
    other.post(f"/m/roster/swaps/{swap.pk}/answer/", {"accept": "yes"})
    boss = client_of(alpha)
    boss.post(f"/rosters/swaps/{swap.pk}/decide/", {"approve": "yes"})
    boss.post(f"/rosters/leaves/{leave.pk}/decide/", {"approve": "yes"})
    swap.refresh_from_db()
    leave.refresh_from_db()
    assert (swap.status, leave.status) == ("approved", "approved")
    assert "夜班" in other.get("/m/roster/").content.decode()


APPROVE = 'value="yes">批准'


@pytest.mark.parametrize("page", ["/rosters/requests/", "/rosters/leaves/{}/"])
def test_the_approve_button_stands_where_it_would_work(alpha: Tenant, page: str) -> None:
    """Field work counts as presence: the school grants it, the company may only return it."""
    party = make_contract()
    person, now = make_staff("甲", post=make_post(party=party)), clock.now()
    row = make_leave(person, now + timedelta(days=1), now + timedelta(days=2), kind="field", status="pending")
    company = client_of(alpha, Role.PROVIDER_MANAGER, provider_id=party.provider_id)
    school, url = client_of(alpha), page.format(row.pk)
    seen = company.get(url).content.decode()
    assert "由学校监管人员审批：外勤按出勤计" in seen and APPROVE not in seen and "退回" in seen
    assert APPROVE in school.get(url).content.decode()
    Leave.objects.update(kind="personal")
    seen = company.get(url).content.decode()
    assert APPROVE in seen and "由学校" not in seen


def test_leaves_and_swaps_are_searched_and_leaves_exported(alpha: Tenant) -> None:
    post, now, day = make_post("门岗", party=make_contract()), clock.now(), today(alpha) + timedelta(days=2)
    one, two = make_staff("赵一", post=post), make_staff("钱二", post=post)
    for person, kind in ((one, "sick"), (two, "annual")):
        make_leave(person, now + timedelta(days=1), now + timedelta(days=2), kind=kind, status="pending")
        cell = make_assignment(alpha, day=day, staff=person)
        Swap.objects.create(kind="cover", assignment=cell, taker=make_staff("孙三", post=post), asked_at=now)
    boss = client_of(alpha)

    def rows(query: str) -> str:
        return boss.get(f"/rosters/requests/?{query}", headers={"HX-Request": "true"}).content.decode()

    for query in ("search=zhaoyi", "kind=sick", f"search={one.number}"):
        seen = rows(query)
        assert "赵一" in seen and "钱二" not in seen, query
    seen = rows("what=swaps&search=qianer")
    assert "钱二" in seen and "赵一" not in seen
    assert "没有符合条件的换班" in rows("what=swaps&status=refused")
    assert "没有符合条件的请假" in rows("search=nobody")
    book = openpyxl.load_workbook(BytesIO(boss.get("/rosters/requests/export.xlsx?kind=sick").content))
    assert [(r[1], r[4], r[11]) for r in list(book.active.values)[1:]] == [("赵一", "病假", "待审批")]


def test_a_leader_sees_whom_a_request_waits_for(alpha: Tenant) -> None:
    person, now = make_staff("甲", post=make_post(party=make_party())), clock.now()
    make_leave(person, now + timedelta(days=1), now + timedelta(days=2), status="pending")
    seen = client_of(alpha, Role.SCHOOL_LEADER).get("/rosters/requests/").content.decode()
    assert "由学校监管人员审批" in seen and APPROVE not in seen and "退回<" not in seen


def test_half_days_from_the_phone(alpha: Tenant) -> None:
    me, day = make_staff(post=make_post()), today(alpha)
    client = client_of(alpha, Role.FRONTLINE, staff_id=me.pk)
    form = {"kind": "personal", "first": str(day), "first_part": "pm", "last": str(day), "last_part": "pm"}
    client.post("/m/roster/leave/", form)
    [leave] = Leave.objects.all()
    assert leave.starts_at.astimezone(alpha.tz).hour == 12 and leave.ends_at - leave.starts_at == timedelta(hours=12)


def test_the_forecast_says_the_sentence(alpha: Tenant) -> None:
    client, day = client_of(alpha), today(alpha)
    person = make_staff(post=make_post("配电值班", certificates=["electrician"]))
    make_certificate(person, kind="electrician", expires_on=day + timedelta(days=9))
    gone = day + timedelta(days=10)
    assert f"{gone.month}月{gone.day}日起配电值班将无持证人" in client.get("/rosters/forecast/").content.decode()


def test_people_are_put_on_a_cycle(alpha: Tenant) -> None:
    client, day = client_of(alpha), today(alpha)
    person, cycle = make_staff(post=make_post()), make_pattern(make_shift(), None)
    form = {"starts_on": str(day), "offset": 2, "stagger": 0, "staff": [str(person.pk)]}
    assert client.post(f"/rosters/patterns/{cycle.pk}/use/", form).status_code == 302
    assert cycle.uses.get().offset == 1
    assert person.name in client.get(f"/rosters/patterns/{cycle.pk}/").content.decode()


def test_a_shift_that_the_form_cannot_show_whole_is_renamed_as_it_is(alpha: Tenant) -> None:
    client = client_of(alpha)
    spans = [(n * 120, n * 120 + 60) for n in range(5)] + [(1320, 2880)]
    shift = make_shift("六段", code="六", spans=spans)
    page = client.get(f"/rosters/shifts/{shift.pk}/change/").content.decode()
    times = dict(re.findall(r'name="((?:start|end)[1-4])" value="([^"]*)"', page))
    form = {"name": "六段班", "code": "六", "colour": "#4263eb", "kind": "fixed", "punches": "each", **times}
    assert len(times) == 8 and client.post(f"/rosters/shifts/{shift.pk}/change/", form).status_code == 302
    shift.refresh_from_db()
    assert shift.name == "六段班"
    assert list(shift.segments.values_list("start_minute", "end_minute")) == spans
    client.post(f"/rosters/shifts/{shift.pk}/change/", {**form, "end1": "01:30"})
    assert list(shift.segments.values_list("end_minute", flat=True)) == [90, 180, 300, 420]


def test_a_shift_of_a_cycle_is_not_retired_and_the_page_says_what_to_do(alpha: Tenant) -> None:
    client, shift = client_of(alpha), make_shift()
    make_pattern(shift, None, name="早休")
    page = client.post(f"/rosters/shifts/{shift.pk}/retire/", follow=True).content.decode()
    assert "还在循环「早休」里" in page
    shift.refresh_from_db()
    assert shift.active


def test_swaps_are_exported_as_filtered(alpha: Tenant) -> None:
    post, day, early = make_post("东门岗"), today(alpha) + timedelta(days=3), make_shift("早班")
    for name, status in (("甲", "asked"), ("乙", "refused")):
        given = make_assignment(alpha, day=day, staff=make_staff(name, post=post), shift=early, post=post)
        Swap.objects.create(
            kind="cover", assignment=given, taker=make_staff("丙", post=post), status=status, asked_by_name=name
        )
    answer = client_of(alpha).get("/rosters/requests/export.xlsx?what=swaps&status=refused")
    [_head, row] = openpyxl.load_workbook(BytesIO(answer.content)).active.iter_rows(values_only=True)
    assert (row[2], row[4], row[5], row[6], row[12]) == ("乙", "早班", "东门岗", "丙", "未批准")
    assert client_of(alpha, Role.FRONTLINE).get("/rosters/requests/export.xlsx?what=swaps").status_code == 403


@pytest.mark.parametrize(
    ("text", "minute"), [("08:00", 480), ("次日06:00", 1800), ("30:00", 1800), ("24:00", 1440), (" 8：05 ", 485)]
)
def test_times_as_people_write_them(text: str, minute: int) -> None:
    assert minute_of(text) == minute
    for wrong in ("8", "25:61", "49:00", "次日25:00", "abc"):
        with pytest.raises(ValueError):
            minute_of(wrong)


def grid_data(client: Client, query: str = "") -> dict[str, object]:
    page = client.get(f"/rosters/{query}").content.decode()
    found: dict[str, object] = json.loads(page.split('id="ro-data" type="application/json">')[1].split("</script>")[0])
    return found


def test_the_grid_says_what_of_the_contract_nobody_is_rostered_for(alpha: Tenant) -> None:
    client, day = client_of(alpha), today(alpha)
    gate = make_post("南门岗")
    make_coverage(gate, persons=2, span=(480, 1200))  # 24 hours a day
    shift = make_shift(spans=((480, 840),))
    make_assignment(alpha, day=day, staff=make_staff("安一", post=gate), shift=shift, published=False)
    data = grid_data(client, f"?view=week&day={day}")
    assert data["contract"][day.isoformat()] == {"asked": 24.0, "lacking": 18.0, "posts": ["南门岗 缺 18 小时"]}
    assert len(data["contract"]) == 7
    assert grid_data(client, "?search=安一")["contract"] is None  # a part of the people says nothing of whole posts


def test_who_is_on_other_pages_counts_among_the_heads(alpha: Tenant) -> None:
    client, day, shift = client_of(alpha), today(alpha), make_shift()
    for _ in range(22):
        make_assignment(alpha, day=day, shift=shift, staff=make_staff(post=make_post()))
    assert grid_data(client, "?per=20")["others"] == {day.isoformat(): 2}


def test_the_chooser_offers_posts_of_the_same_company_and_places(alpha: Tenant) -> None:
    client = client_of(alpha)
    one, other = make_contract(), make_party()
    make_staff(post=make_post("南门岗", party=one))
    make_post("食堂岗", party=other)
    data = grid_data(client)
    group = data["people"][0]["group"]
    assert {p["name"] for p in data["posts"] if p["group"] == group} == {"南门岗"}
    assert {p["name"] for p in data["posts"]} == {"南门岗", "食堂岗"}


def test_saving_answers_what_the_contract_lacks_now(alpha: Tenant) -> None:
    client, day = client_of(alpha), today(alpha).isoformat()
    gate = make_post("南门岗")
    make_coverage(gate, persons=1, span=(480, 1020))
    cell = {"day": day, "items": [{"shift": str(make_shift().pk), "post": None, "place": None}], "seen": []}
    answer = save(client, {"staff": str(make_staff(post=gate).pk), **cell})
    assert answer["contract"][day]["lacking"] == 0


# --- Under a grant ---------------------------------------------------------------------------------


def guest_of(tenant: Tenant, *scopes: GrantScope) -> Client:
    """The institute's analyst, reading under a grant of these scopes."""
    day = today(tenant)
    identity.grant_access(
        scopes=scopes, starts_on=day, ends_on=day, reason="阶段评估", by=make_member(tenant, Role.SCHOOL_ADMIN), tenant=tenant,
        now=clock.now(),
    )  # fmt: skip
    client = Client(headers={"host": HOST})
    client.force_login(make_institute_member(Role.INSTITUTE_ANALYST).account)
    return client


def rostered(tenant: Tenant) -> Staff:
    """Somebody on the roster today, at a post whose certificate they lack; and somebody who is on none."""
    post = make_post("配电值班", certificates=["electrician"], party=make_contract("清源物业"))
    person = make_staff("赵六", post=post)
    Staff.objects.update(hired_on=date(2020, 3, 1))
    make_assignment(
        tenant, day=today(tenant), staff=person, shift=make_shift("夜班", code="夜"), post=make_post("南门岗")
    )
    make_staff("没有排班的人", post=post)
    return person


def test_rosters_alone_shows_whom_the_roster_is_about_by_name_and_number_and_no_more(alpha: Tenant) -> None:
    person = rostered(alpha)
    page = guest_of(alpha, GrantScope.ROSTERS).get("/rosters/").content.decode()
    data = json.loads(page.split('id="ro-data" type="application/json">')[1].split("</script>")[0])
    assert data["people"] == [
        {"id": str(person.pk), "name": "赵六", "number": person.number, "post": None, "sub": person.number, "group": "",
         "edit": False, "from": "", "to": ""}
    ]  # fmt: skip
    assert [p["name"] for p in data["posts"]] == ["南门岗"]  # which a cell names
    assert data["warnings"] == {} and len(data["cells"]) == 1
    for hidden in ("没有排班的人", "配电值班", "清源物业", "2020-03-01"):
        assert hidden not in page
    assert "还没有员工" not in page


def test_rosters_alone_is_filtered_and_exported_without_more(alpha: Tenant) -> None:
    person = rostered(alpha)
    client = guest_of(alpha, GrantScope.ROSTERS)
    assert "赵六" in client.get("/rosters/?search=zhaoliu").content.decode()
    assert "赵六" not in client.get("/rosters/?search=nobody").content.decode()
    assert "这段时间没有排班" in client.get("/rosters/?day=2001-01-01").content.decode()
    book = openpyxl.load_workbook(BytesIO(client.get("/rosters/export/").content))
    rows = list(book.active.values)
    assert rows[0][:2] == ("工号", "姓名") and "单位" not in rows[0]
    assert [r[:2] for r in rows[1:]] == [(person.number, "赵六")]


def test_with_the_organisation_too_the_grid_is_whole(alpha: Tenant) -> None:
    rostered(alpha)
    page = guest_of(alpha, GrantScope.ROSTERS, GrantScope.ORGANISATION).get("/rosters/").content.decode()
    data = json.loads(page.split('id="ro-data" type="application/json">')[1].split("</script>")[0])
    assert sorted(p["name"] for p in data["people"]) == ["没有排班的人", "赵六"]
    assert data["warnings"]


def test_the_roster_says_that_the_calendar_changed(alpha: Tenant) -> None:
    day = today(alpha) + timedelta(days=1)
    make_assignment(alpha, day=day)
    FollowedDay.objects.create(day=day, works=False, changed_at=clock.now(), remade=12)
    make_special_day(day, kind="school_rest", name="校庆")
    client = client_of(alpha)
    page = client.get(f"/rosters/?day={day}").content.decode()
    said = f"{day.month}月{day.day}日（校庆）改为休息：12 格循环排班已改好，1 人仍排了班，请核对"
    assert said in page
    assert said not in client.get(f"/rosters/?day={day + timedelta(days=60)}").content.decode()


def test_publishing_over_a_leave_says_so(alpha: Tenant) -> None:
    day = today(alpha) + timedelta(days=1)
    person = make_staff("甲", post=make_post())
    make_assignment(alpha, day=day, staff=person, published=False)
    starts = datetime.combine(day, time(), alpha.tz)
    make_leave(person, starts, starts + timedelta(days=1))
    page = client_of(alpha).post(f"/rosters/publish/?day={day}", follow=True).content.decode()
    assert "1 格的人已请假：甲" in page


def test_the_list_of_a_day_counts_everybody_of_a_shift_not_those_of_the_page_alone(alpha: Tenant) -> None:
    day, shift, post = today(alpha), make_shift("白班"), make_post()
    for n in range(23):
        make_assignment(alpha, day=day, staff=make_staff(f"员工{n:02d}", post=post), shift=shift, post=post)
    client = client_of(alpha)
    assert "23 人，本页 20 人" in client.get("/rosters/").content.decode()
    assert "23 人，本页 3 人" in client.get("/rosters/?page=2").content.decode()
