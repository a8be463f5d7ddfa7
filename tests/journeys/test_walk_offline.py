"""A supervisor walks a building on a 360-pixel phone without network, a company fixes, the console closes.

What is tapped offline is kept on the phone, sent once when the network is back, and nothing is asked twice.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from tests import databases
from tests.factories.findings import picture
from tests.running import ROOT, Site, Watched, violations

pytestmark = pytest.mark.journey
SHOTS = os.environ.get("SHOTS", "")


def person(site: Site, browser: Browser, name: str, *, phone: bool) -> Watched:
    size = {"width": 360, "height": 780} if phone else {"width": 1440, "height": 900}
    watched = Watched(
        browser.new_context(
            viewport=size, has_touch=phone, is_mobile=phone, locale="zh-CN", timezone_id="Asia/Shanghai"
        )
    )
    page = watched.page
    page.goto(site.school("alpha", "/m/" if phone else "/findings/"))
    page.locator("input[name=login]").fill(name)
    page.locator("input[name=password]").fill("walk-the-house-7")
    page.locator("form button[type=submit], form button:not([type])").first.click()
    page.wait_for_url(re.compile(r"/(m|findings)/"))
    return watched


def looked_at(page: Page, name: str) -> None:
    """Axe finds nothing, nothing is wider than the screen; a picture is kept where SHOTS says."""
    page.wait_for_load_state("networkidle")
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)
    assert violations(page) == [], name
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{name} is {wide}px too wide"


def test_walk_offline_fix_and_verify(site: Site, browser: Browser, tmp_path: Path) -> None:
    made = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.journeys.walk_seed"],
        env=site.env, cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    ids = json.loads(made.stdout.strip().splitlines()[-1])
    photos = [tmp_path / f"{n}.jpg" for n in range(3)]
    for n, file in enumerate(photos):
        file.write_bytes(picture(400 + n, size=(800, 600)))

    walker = person(site, browser, "walker", phone=True)
    page = walker.page
    page.wait_for_selector("body[data-sw]")
    looked_at(page, "phone-home")
    for name, path in {
        "phone-findings": "/m/findings/?bucket=unsolved", "phone-new": "/m/findings/new/",
        "phone-inspections": "/m/inspections/", "phone-notices": "/m/notices/?all=1",
    }.items():  # fmt: skip
        page.goto(site.school("alpha", path))
        looked_at(page, name)
    page.goto(site.school("alpha", f"/m/inspections/start/?place={ids['building']}"))
    looked_at(page, "phone-start")
    page.get_by_role("button", name="开始", exact=True).click()
    page.wait_for_selector("#walk")
    page.wait_for_selector("body[data-ready]")
    looked_at(page, "phone-walk")
    expect(page.get_by_role("heading", name=re.compile("先看上次没解决的"))).to_be_visible()

    page.reload()  # the copy the service worker keeps
    page.wait_for_selector("body[data-ready]")
    heard = len(walker.complaints)
    walker.context.set_offline(True)
    items = page.locator("[data-item]")
    items.nth(0).get_by_role("button", name="合格", exact=True).click()
    expect(items.nth(0).get_by_role("button", name="合格", exact=True)).to_have_attribute("aria-pressed", "true")
    items.nth(1).get_by_role("button", name=re.compile("不合格")).click()
    page.locator("#fail-photos").set_input_files(photos[0])
    page.locator("#fail-note").fill("2 层卫生间有异味")
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/phone-fail.png")
    assert violations(page) == []
    page.get_by_role("button", name="开出问题").click()
    expect(page.locator("#fail")).to_be_hidden()
    expect(items.nth(1)).to_have_attribute("data-verdict", "fail")
    items.nth(2).get_by_role("button", name="不适用").click()
    old = page.locator(f"[data-recheck='{ids['old']}']")
    old.locator("input[type=file]").set_input_files(photos[1 % len(photos)])
    old.get_by_role("button", name="已解决").click()
    expect(old.get_by_text("已记录")).to_be_visible()
    page.reload()  # offline: the kept copy, with what was tapped still marked
    page.wait_for_selector("body[data-ready]")
    expect(page.locator("[data-item]").nth(0)).to_have_attribute("data-verdict", "pass")
    expect(page.locator("[data-part=progress]")).to_have_text("已查 3 / 6")
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/phone-walk-offline.png", full_page=True)
    page.get_by_role("button", name="结束巡查").click()
    page.wait_for_url(re.compile(r"/m/$"))
    expect(page.locator("[data-outbox-count]")).to_contain_text("5")

    walker.context.set_offline(False)
    expect(page.locator("body")).to_have_attribute("data-outbox", "0", timeout=60_000)
    walker.complaints[heard:] = [c for c in walker.complaints[heard:] if "ERR_INTERNET_DISCONNECTED" not in c]
    with _rows(site) as rows:
        walk = rows.execute("SELECT id, status FROM inspections_inspection ORDER BY started_at DESC LIMIT 1").fetchone()
        assert walk[1] == "done"
        verdicts = rows.execute(
            "SELECT verdict FROM inspections_result WHERE inspection_id = %s ORDER BY position", [walk[0]]
        ).fetchall()
        assert [v[0] for v in verdicts] == ["pass", "fail", "na", "", "", ""]
        found = rows.execute("SELECT id, title FROM findings_finding WHERE source_id = %s", [walk[0]]).fetchall()
        assert [f[1] for f in found] == ["2 层卫生间有异味"]
        (closed,) = rows.execute("SELECT status FROM findings_finding WHERE id = %s", [ids["old"]]).fetchone()
        assert closed == "closed"
    page.goto(site.school("alpha", f"/m/inspections/{walk[0]}/"))
    looked_at(page, "phone-summary")

    fixer = person(site, browser, "fixer", phone=True)
    page = fixer.page
    looked_at(page, "phone-home-company")
    page.goto(site.school("alpha", f"/m/findings/{found[0][0]}/"))
    page.wait_for_selector("body[data-ready]")
    looked_at(page, "phone-finding-company")
    # 同机位复拍: the old picture lies over the camera; what is shot goes into the form.
    page.get_by_role("button", name="对着原照片同机位拍").click()
    expect(page.locator("dialog.ghost video")).not_to_have_js_property("videoWidth", 0)
    ghost = page.locator("dialog.ghost .view img")
    expect(ghost).not_to_have_js_property("naturalWidth", 0)  # the old picture is really there,
    expect(ghost).to_have_css("opacity", "0.4")  # translucent,
    assert page.locator("dialog.ghost video").bounding_box() == ghost.bounding_box()  # over the whole live picture
    on_top = "([video, img]) => !!(video.compareDocumentPosition(img) & Node.DOCUMENT_POSITION_FOLLOWING)"
    handles = [page.locator("dialog.ghost video").element_handle(), ghost.element_handle()]
    assert page.evaluate(on_top, handles)
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/phone-ghost.png")
    assert violations(page) == []
    page.get_by_role("button", name="拍照", exact=True).click()
    expect(page.locator(".shoot output").first).to_contain_text("已选 1 张")
    page.locator("#f-text").fill("已清洗消毒")
    page.get_by_role("button", name="提交，请求复查").click()
    page.wait_for_url(re.compile(r"/m/$"))

    desk = person(site, browser, "walker", phone=False)
    page = desk.page
    looked_at(page, "findings")
    page.get_by_role("link", name=re.compile("查看")).first.click()
    expect(page.locator("#drawer-body dl").first).to_be_visible()
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/findings-drawer.png")
    assert violations(page) == []
    page.goto(site.school("alpha", f"/findings/{found[0][0]}/"))
    page.wait_for_selector("body[data-ready]")
    looked_at(page, "finding-verify")
    expect(page.get_by_label("拖动对比整改前后").first).to_be_visible()  # open at once for who verifies
    for n in range(2):
        expect(page.locator(".compare img").nth(n)).not_to_have_js_property("naturalWidth", 0)
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/finding-compare.png")
    page.get_by_role("button", name="通过，销号").click()
    page.wait_for_load_state("networkidle")
    looked_at(page, "finding-closed")
    for name, path in {
        "problems": f"/inspections/{walk[0]}/problems/", "inspection": f"/inspections/{walk[0]}/",
        "inspections": "/inspections/", "coverage": "/inspections/coverage/", "checklists": "/inspections/checklists/",
        "checklist-new": f"/inspections/checklists/new/{ids['rubric']}/", "timeline": "/timeline/",
        "notices": "/notices/?all=1", "create": "/findings/create/", "findings-all": "/findings/?bucket=all",
        "findings-empty": "/findings/?bucket=all&text=zzzz",
    }.items():  # fmt: skip
        page.goto(site.school("alpha", path))
        looked_at(page, name)
    page.goto(site.school("alpha", f"/inspections/{walk[0]}/problems/"))
    expect(page.locator(".stat").first).to_contain_text("是")
    page.set_viewport_size({"width": 360, "height": 780})
    for name, path in {
        "narrow-findings": "/findings/", "narrow-finding": f"/findings/{found[0][0]}/", "narrow-inspections": "/inspections/",
        "narrow-problems": f"/inspections/{walk[0]}/problems/", "narrow-inspection": f"/inspections/{walk[0]}/",
        "narrow-timeline": "/timeline/", "narrow-coverage": "/inspections/coverage/", "narrow-notices": "/notices/?all=1",
    }.items():  # fmt: skip
        page.goto(site.school("alpha", path))
        looked_at(page, name)
    admin = person(site, browser, "admin", phone=False)
    admin.page.goto(site.school("alpha", "/findings/rules/"))
    looked_at(admin.page, "rules")
    for watched in (walker, fixer, desk, admin):
        assert watched.complaints == []


def _rows(site: Site) -> psycopg.Connection:
    connection = psycopg.connect(databases.url_of(site.database))
    connection.execute("SET search_path = s_alpha, public")
    return connection
