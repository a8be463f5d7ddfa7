"""Patrols through the browser's door: the route form, the walk by the phone's outbox, what was missed."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from identity.choices import Role
from kernel import clock
from kernel.errors import Invalid
from kernel.tenancy import Tenant
from tenants.evidence import operations as evidence
from tenants.evidence.models import Evidence
from tenants.patrols import marks, operations
from tenants.patrols.choices import StopStatus, TourStatus
from tenants.patrols.models import Route, Stop, Tour
from tests.factories.findings import make_member, picture
from tests.factories.organisation import make_contract, make_place
from tests.factories.patrols import anchored, due_tour, make_guard, make_route, walk
from tests.web.test_findings import HOST, signed
from web.tenant.patrols import views
from web.tenant.patrols.forms import as_lines, questions_in

NOW = clock.now()


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


def outbox(client: Client, path: str, key: str, **sent: Any) -> Any:
    return client.post(path, sent, headers={**HOST, "X-Outbox": "1", "Idempotency-Key": key})


def form(places: list[Any], of: Any, **more: Any) -> dict[str, Any]:
    count = len(places)
    return {
        "name": "北区夜巡", "party": str(of.pk), "line": "security", "ordered": "on",
        "window_start": ["22:00"], "window_end": ["06:00"], "window_days": ["31"],
        "point_place": [str(p.pk) for p in places], "point_instruction": [""] * count, "point_photo": ["no"] * count,
        "point_walk": ["90"] * count, "point_nfc": [""] * count,
        "point_questions": ["门窗是否关好\n压力 [0.2~0.6 MPa]"] * count, **more,
    }  # fmt: skip


def test_a_route_is_made_and_read_back_as_it_was_written(alpha: Tenant) -> None:
    client, places, party = signed(make_member(alpha)), [make_place(), make_place()], make_contract()
    assert client.get("/patrols/routes/new/").status_code == 200
    assert client.post("/patrols/routes/new/", form(places, party)).status_code == 302
    route = Route.objects.get()
    window = route.windows.get()
    assert (window.start_minute, window.end_minute, window.weekdays) == (1320, 1800, 31)
    page = client.get(f"/patrols/routes/{route.pk}/").content.decode()
    assert "压力 [0.2~0.6 MPa]" in page and 'value="06:00"' in page
    assert "次日 06:00" in client.get("/patrols/routes/").content.decode()


@pytest.mark.parametrize("most", [200, 0])
def test_a_point_in_a_room_stays_when_the_route_is_saved_again(
    alpha: Tenant, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "MOST_PLACES", most)
    rooms = [make_place(parent=make_place(), kind="point") for _ in range(2)]
    route = make_route(alpha, now=NOW, points=[operations.PointDraft(room.pk) for room in rooms])
    page = signed(make_member(alpha)).get(f"/patrols/routes/{route.pk}/").content.decode()
    assert all(f'<option value="{room.pk}" selected>' in page for room in rooms)


@pytest.mark.parametrize(
    "wrong", [{"point_place": ["", ""]}, {"window_start": ["ab"]}, {"point_walk": ["x", "x"]}, {"party": ""}]
)
def test_a_wrong_route_comes_back_with_what_was_typed(alpha: Tenant, wrong: dict[str, Any]) -> None:
    client, places, party = signed(make_member(alpha)), [make_place(), make_place()], make_contract()
    answer = client.post("/patrols/routes/new/", form(places, party, **wrong))
    assert answer.status_code == 422
    assert "北区夜巡" in answer.content.decode()
    assert not Route.objects.exists()


def test_questions_are_written_one_a_line() -> None:
    found = questions_in("门窗是否关好\n\n压力 [0.2~0.6 MPa]\n油温［~ 80 ℃］\n其他情况 [文字]")
    assert [(q.text, q.kind, q.low, q.high, q.unit) for q in found] == [
        ("门窗是否关好", "yes_no", None, None, ""),
        ("压力", "number", Decimal("0.2"), Decimal("0.6"), "MPa"),
        ("油温", "number", None, Decimal(80), "℃"),
        ("其他情况", "text", None, None, ""),
    ]
    assert as_lines([]) == ""
    three = questions_in("3#楼大门是否关好\n地面是否干净 #卫生保洁\n水位 [1~2 m] ＃安全隐患")
    assert [(q.text, q.category) for q in three] == [
        ("3#楼大门是否关好", ""),
        ("地面是否干净", "hygiene"),
        ("水位", "safety"),
    ]
    with pytest.raises(Invalid):
        questions_in("压力 [0.2.3~1 MPa]")


def test_the_phones_outbox_walks_a_tour_once(alpha: Tenant) -> None:
    route = make_route(alpha, now=NOW, points=2)
    guard, tour = make_guard(alpha, route.party), due_tour(alpha, route, now=NOW)
    client, base = signed(guard), f"/m/patrols/{tour.pk}/"
    assert client.get("/m/patrols/").status_code == client.get(base).status_code == 200
    codes = [p.place.code for _k, p in _points(route)]
    page = client.get(base).content.decode()
    assert not any(code in page for code in codes)  # the page recognises a code, but does not tell it
    told = json.loads(re.search(r'id="patrol-points"[^>]*>(.*?)</script>', page)[1])  # type: ignore[index]
    salt = re.search(r'data-salt="(\w+)" data-rounds="200000"', page)[1]  # type: ignore[index]
    assert [p["code"] for p in told] == [marks.slow(code, salt=salt)[:5] for code in codes]
    at = (
        NOW + timedelta(days=400)
    ).isoformat()  # a phone with a wrong date; what it counts from the server's time is right
    clock = {"anchor": anchored(alpha, NOW).anchor, "elapsed_ms": "20", "monotonic": "1"}
    assert outbox(client, f"{base}start/", "k1", at=at, **clock).json() == {"ok": True}
    for _twice in range(2):
        photo = SimpleUploadedFile("a.jpg", picture(3), "image/jpeg")
        assert outbox(client, f"{base}scan/", "k2", at=at, **clock, code=codes[0], photos=photo).status_code == 200
    assert Evidence.objects.count() == 1
    refused = outbox(client, f"{base}scan/", "k3", at=at, code="NOWHERE")
    assert refused.status_code == 422 and "不在这条路线上" in refused.json()["detail"]
    assert outbox(client, f"{base}finish/", "k4", at=at, **clock, note="停电").status_code == 200
    tour.refresh_from_db()
    assert (tour.status, tour.note) == (TourStatus.PARTIAL, "停电")
    seen, missed = Stop.objects.filter(tour=tour).order_by("position")
    assert (seen.status, missed.status) == (StopStatus.SEEN, StopStatus.MISSED)
    assert seen.anchored and seen.scanned_at is not None and seen.scanned_at - NOW == timedelta(milliseconds=20)
    assert "为什么没有到" in client.get(base).content.decode()
    explain = f"/patrols/tours/{tour.pk}/explain/"
    assert outbox(client, explain, "k5", text="短").json()["code"] == "invalid"
    for _twice in range(2):
        assert outbox(client, explain, "k6", text="配电室在检修，进不去").json() == {"ok": True}
    missed.refresh_from_db()
    assert (missed.status, missed.explanation) == (StopStatus.EXPLAINED, "配电室在检修，进不去")
    assert "为什么没有到" not in client.get(base).content.decode()


def _points(route: Route) -> Any:
    from tenants.patrols import queries

    return queries.points_of([route.pk])


def test_a_tour_page_says_what_speaks_against_it_and_takes_the_explanation(alpha: Tenant) -> None:
    route = make_route(alpha, now=NOW)
    guard, tour = make_guard(alpha, route.party), due_tour(alpha, route, now=NOW)
    walk(alpha, tour, guard, at=NOW, gaps=[1, 1])
    operations.judge(tour_id=tour.pk, tenant=alpha, now=NOW)
    supervisor = signed(make_member(alpha))
    page = supervisor.get(f"/patrols/tours/{tour.pk}/").content.decode()
    assert "二维码可以被翻拍" in page and "说明 1 个漏点" in page
    refused = supervisor.post(f"/patrols/tours/{tour.pk}/explain/", {"text": "忘"})
    assert refused.status_code == 422 and "4—300" in refused.content.decode()
    assert supervisor.post(f"/patrols/tours/{tour.pk}/explain/", {"text": "楼内施工，通道封闭"}).status_code == 302
    times = {"starts_at": f"{NOW + timedelta(minutes=5):%Y-%m-%dT%H:%M}", "ends_at": "2020-01-01T00:00"}
    assert supervisor.post(f"/patrols/tours/{tour.pk}/reschedule/", times).status_code == 422
    assert Tour.objects.filter(makes_up_for=tour).count() == 0


def test_the_list_filters_and_exports_without_a_query_per_row(
    alpha: Tenant, django_assert_max_num_queries: Any
) -> None:
    route = make_route(alpha, now=NOW, name="=夜巡", ordered=False)
    guard = make_guard(alpha, route.party)
    walk(alpha, due_tour(alpha, route, now=NOW), guard, at=NOW, gaps=[60, 200, 200])
    client = signed(make_member(alpha))
    with django_assert_max_num_queries(22):
        page = client.get("/patrols/?show=unexplained").content.decode()
    assert "没有符合条件的巡更" in page
    file = client.get("/patrols/export/")
    assert file["Content-Type"].endswith("sheet")


def test_a_filter_that_cannot_be_read_is_said_and_the_others_hold(alpha: Tenant) -> None:
    route = make_route(alpha, now=NOW, name="东区夜巡")
    walk(alpha, due_tour(alpha, route, now=NOW), make_guard(alpha, route.party), at=NOW, gaps=[60])
    client = signed(make_member(alpha))
    page = client.get("/patrols/?from_day=2026-13-40&status=partial").content.decode()
    assert "“日期从”填写有误，没有按它筛选" in page and "东区夜巡" in page
    assert "东区夜巡" not in client.get("/patrols/?from_day=2026-13-40&status=missed").content.decode()
    assert "“日期从”晚于“到”" in client.get("/patrols/?from_day=2026-11-02&until_day=2026-11-01").content.decode()
    assert "填写有误" not in client.get("/patrols/?from_day=2026-11-01").content.decode()
    ask = {"HX-Request": "true", "HX-Target": "div#rows"}
    rows = client.get("/patrols/?until_day=soon", headers={**HOST, **ask}).content.decode()
    assert 'hx-swap-oob="true"' in rows and "“到”填写有误" in rows


@pytest.mark.parametrize(
    "path",
    [
        "/duty/calls/?from_day=x", "/duty/anomalies/?status=x", "/duty/?line=x", "/attendance/results/?first=x",
        "/attendance/sheet/?month=x", "/punches/?from_day=x", "/findings/?line=x", "/inspections/?from_day=x",
    ],
)  # fmt: skip
def test_no_list_falls_back_silently(alpha: Tenant, path: str) -> None:
    assert "填写有误" in signed(make_member(alpha, Role.SCHOOL_ADMIN)).get(path).content.decode()


def test_an_explanation_is_accepted_or_refused_on_the_tours_page(alpha: Tenant) -> None:
    route = make_route(alpha, now=NOW)
    guard, tour = make_guard(alpha, route.party), due_tour(alpha, route, now=NOW)
    walk(alpha, tour, guard, at=NOW, gaps=[60])
    operations.explain(tour_id=tour.pk, text="通道封闭施工", by=guard, tenant=alpha, now=NOW)
    supervisor, path = signed(make_member(alpha)), f"/patrols/tours/{tour.pk}/"
    assert "审核 2 个漏点的说明" in supervisor.get(path).content.decode()
    assert "2 个说明待审核" in supervisor.get("/patrols/?show=waiting").content.decode()
    assert "审核 2 个漏点的说明" not in signed(guard).get(path).content.decode()
    assert supervisor.post(f"{path}review/", {"accepted": "no", "note": ""}).status_code == 422
    assert supervisor.post(f"{path}review/", {"accepted": "no", "note": "通道当晚没有封闭"}).status_code == 302
    page = supervisor.get(path).content.decode()
    assert "不认可，通道当晚没有封闭" in page and "漏巡 2 个点，说明未被认可" in page
    assert "没有符合条件的巡更" in supervisor.get("/patrols/?show=waiting").content.decode()


def test_two_pictures_of_one_shot_stand_side_by_side(alpha: Tenant) -> None:
    route = make_route(alpha, now=NOW)
    guard, tour = make_guard(alpha, route.party), due_tour(alpha, route, now=NOW)
    kept = evidence.keep_photo(upload=picture(3), name="a.jpg", by=guard, tenant=alpha, now=NOW)
    walk(alpha, tour, guard, at=NOW, gaps=[60, 200], photos=[kept.pk, kept.pk])
    operations.judge(tour_id=tour.pk, tenant=alpha, now=NOW)
    page = signed(make_member(alpha)).get(f"/patrols/tours/{tour.pk}/").content.decode()
    assert "同一个照片文件" in page and page.count(str(kept.pk)) >= 4


def test_another_company_and_a_guard_see_no_more_than_theirs(alpha: Tenant) -> None:
    route = make_route(alpha, now=NOW)
    tour = due_tour(alpha, route, now=NOW)
    stranger = signed(make_guard(alpha, make_contract()))
    for path in (f"/patrols/tours/{tour.pk}/", f"/m/patrols/{tour.pk}/", f"/patrols/routes/{route.pk}/"):
        assert stranger.get(path).status_code == 404
    own = signed(make_member(alpha, Role.PROVIDER_MANAGER, provider_id=route.party.provider_id))
    assert own.get(f"/patrols/routes/{route.pk}/").status_code == 403
    assert own.get("/patrols/routes/new/").status_code == 403
