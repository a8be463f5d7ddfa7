"""The week's programme, calibrations and the timelines of things, through the browser's door."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from identity.choices import Role
from kernel import clock
from kernel.tenancy import Tenant
from tenants.inspections import operations
from tenants.inspections.models import Calibration, Mark, Programme
from tenants.rubrics.contracts import RubricContract
from tenants.timeline.operations import record
from tests.factories.findings import make_finding, make_member
from tests.factories.organisation import make_place, make_post, make_staff
from tests.factories.rubrics import make_rubric
from tests.web.test_findings import photo, signed

NOW = clock.now()


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


def test_a_week_from_proposal_to_phone(alpha: Tenant) -> None:
    by = make_member(alpha)
    top = make_place(kind="campus")
    one, two = (make_place(name, kind="building", parent=top) for name in ("一号楼", "二号楼"))
    client = signed(by)
    assert "还没有抽检计划" in client.get("/inspections/week/").content.decode()
    assert client.post("/inspections/week/propose/", {"hours": "x"}).status_code == 422
    assert client.post("/inspections/week/propose/", {"hours": "0.7"}).status_code == 302
    row = Programme.objects.get()
    stop = row.stops.get()
    outside = two if stop.place_id == one.pk else one
    add = f"/inspections/week/{row.pk}/add/"
    assert client.post(add, {"place": "nowhere"}).status_code == 422
    assert client.post(add, {"place": str(outside.pk), "why": "领导关注"}).status_code == 302
    assert client.post(add, {"place": str(outside.pk)}).status_code == 422
    url = f"/inspections/week/stops/{stop.pk}/"
    assert client.post(url, {"inspector": str(by.account_id)}).status_code == 302
    assert client.post(f"/inspections/week/{row.pk}/accept/").status_code == 302
    assert "一号楼" in client.get("/m/inspections/week/").content.decode()
    assert "□" in client.get("/inspections/week/?print=1").content.decode()
    assert client.post(url, {"drop": "1"}).status_code == 302
    page = client.get("/inspections/week/").content.decode()
    assert "领导关注" in page and "覆盖率" in page
    assert row.stops.count() == 1
    assert client.get("/inspections/week/?week=zzz").status_code == 200
    assert client.post("/inspections/week/targets/", {"kind": "floor", "every_days": "45"}).status_code == 302
    assert client.post("/inspections/week/targets/", {"kind": "roof", "every_days": "45"}).status_code == 422


def test_a_calibration_on_the_phone_and_its_reveal(alpha: Tenant) -> None:
    one, two, admin = (
        make_member(alpha, name="甲"),
        make_member(alpha, name="乙"),
        make_member(alpha, Role.SCHOOL_ADMIN),
    )
    rubric = make_rubric()
    items = [i.pk for s in rubric.sections.all() for i in s.items.all()]
    sheet = operations.save_checklist(title="日检表", rubric_id=rubric.pk, item_ids=items, by=admin, tenant=alpha)
    boss = signed(admin)
    form = {
        "checklist": str(sheet.pk), "place": str(make_place(kind="building", parent=make_place(kind="campus")).pk),
        "scorers": [str(one.account_id), str(two.account_id)],
        "closes_at": f"{NOW.astimezone(alpha.tz) + timedelta(days=1):%Y-%m-%dT%H:%M}", "expert": "",
    }  # fmt: skip
    assert boss.post("/calibrations/new/", {**form, "scorers": []}).status_code == 422
    assert boss.post("/calibrations/new/", {**form, "scorers": [str(one.account_id)]}).status_code == 422
    assert boss.post("/calibrations/new/", form).status_code == 302
    row = Calibration.objects.get()
    keys = [i.id for i in RubricContract.from_json(row.sheet).items()]

    def answers(fails: set[UUID]) -> dict[str, Any]:
        return {f"verdict-{i}": "fail" if i in fails else "pass" for i in keys}

    url = f"/m/calibrations/{row.pk}/"
    assert signed(make_member(alpha)).get(url).status_code == 404
    assert signed(one).post(url, {f"verdict-{keys[0]}": "pass"}).status_code == 422
    pictures = {f"photos-{keys[0]}": photo(21), f"photos-{keys[1]}": photo(22), "client_key": "c1"}
    assert signed(one).post(url, {**answers({keys[0], keys[1]}), **pictures}).status_code == 302
    assert len({p for m in Mark.objects.all() for p in m.photo_ids}) == 2
    assert "判得不一样" not in signed(two).get(f"/calibrations/{row.pk}/").content.decode()
    assert boss.post(f"/calibrations/{row.pk}/reveal/").status_code == 422
    assert boss.post(f"/calibrations/{row.pk}/magic/").status_code == 404
    assert signed(two).post(url, answers({keys[0]})).status_code == 302
    page = signed(two).get(f"/calibrations/{row.pk}/").content.decode()
    assert "判得不一样的 1 项" in page and "+1.00" in page
    assert "+1.00" not in boss.get(f"/calibrations/{row.pk}/").content.decode()
    assert "我的判分倾向" in signed(one).get("/calibrations/").content.decode()
    assert "各人的判分倾向" in signed(make_member(alpha, Role.SCHOOL_LEADER)).get("/calibrations/").content.decode()
    assert "提交后不能修改" not in signed(one).get(url).content.decode().replace("不能修改。", "")


def test_the_timeline_of_a_post_a_person_and_a_party(alpha: Tenant) -> None:
    by, post, person = make_member(alpha), make_post(), make_staff()
    found = make_finding(alpha, by=by)
    record(verb="duty.signed_on", sentence="早班签到", subject=found, by=by, post_id=post.pk, staff_id=person.pk)
    client = signed(by)
    for query in (f"post={post.pk}", f"staff={person.pk}"):
        page = client.get(f"/timeline/?{query}").content.decode()
        assert "早班签到" in page and "只看：" in page and found.title not in page
    assert "早班签到" in client.get("/timeline/?verb=duty").content.decode()
    assert found.title in client.get(f"/timeline/?party={found.party_id}").content.decode()
    assert found.title in client.get(f"/timeline/?place={found.place_id}").content.decode()
    assert client.get("/timeline/?post=zzz&staff=zz").status_code == 200
    for path in (f"/staff/{person.pk}/", f"/places/{found.place_id}/"):
        if (answer := client.get(path)).status_code == 200:
            assert "全部事件" in answer.content.decode()


def test_a_month_without_a_calibration_offers_one_by_one_tap(alpha: Tenant) -> None:
    top = make_place(kind="campus")
    make_place("一号楼", kind="building", parent=top)
    make_member(alpha, name="甲"), make_member(alpha, name="乙")
    leader, admin = make_member(alpha, Role.SCHOOL_LEADER), make_member(alpha, Role.SCHOOL_ADMIN)
    head = signed(leader)
    bare = head.get("/calibrations/").content.decode()
    assert "还没有判分校准" in bare and "还不能自动安排" in bare and "按此安排" not in bare
    refused = head.post("/calibrations/proposed/")
    assert refused.status_code == 422 and "需要至少两名监管人员" in refused.content.decode()
    rubric = make_rubric()
    items = [i.pk for s in rubric.sections.all() for i in s.items.all()]
    operations.save_checklist(title="日检表", rubric_id=rubric.pk, item_ids=items, by=admin, tenant=alpha)
    page = head.get("/calibrations/").content.decode()
    assert "按此安排" in page and "一号楼" in page and "乙" in page and "日检表" in page
    assert "按此安排" not in signed(make_member(alpha)).get("/calibrations/").content.decode()
    assert signed(make_member(alpha)).post("/calibrations/proposed/").status_code == 403
    first = head.post("/calibrations/proposed/")
    assert first.status_code == 302 and head.post("/calibrations/proposed/").url == first.url
    assert Calibration.objects.count() == 1
    assert "按此安排" not in head.get("/calibrations/").content.decode()
