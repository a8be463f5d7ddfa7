"""A worker agrees, enrols, punches with the camera, reads why they were late, appeals, and is put right by somebody else."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.factories import face_models
from tests.journeys.test_face import looked_at, shoot
from tests.running import ROOT, Site, Watched

pytestmark = pytest.mark.journey


def seed(site: Site, what: str) -> dict[str, str]:
    made = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.journeys.attendance_seed", what],
        env=site.env, cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    found: dict[str, str] = json.loads(made.stdout.strip().splitlines()[-1])
    return found


def sign_in(page: Page, site: Site, name: str, password: str, path: str) -> None:
    page.goto(site.school("alpha", path))
    page.locator("input[name=login]").fill(name)
    page.locator("input[name=password]").fill(password)
    page.get_by_role("button", name="登录").click()
    page.wait_for_url(lambda url: url.endswith(path))


def test_consent_enrol_punch_sentence_appeal_corrected(site: Site, browser: Browser, tmp_path: Path) -> None:
    who = seed(site, "people")
    here = {"latitude": float(who["lat"]), "longitude": float(who["lon"]), "accuracy": 12}
    worker = Watched(
        browser.new_context(
            viewport={"width": 360, "height": 780}, has_touch=True, is_mobile=True, locale="zh-CN",
            timezone_id="Asia/Shanghai", geolocation=here, permissions=["geolocation", "camera"],
        )
    )  # fmt: skip
    page = worker.page
    sign_in(page, site, "att-worker", who["password"], "/m/face/")

    # Consent, and one picture from the camera.
    page.get_by_label("我已满十四周岁").check()
    page.get_by_role("button", name="同意使用").click()
    expect(page.get_by_role("heading", name="录入一张照片")).to_be_visible(timeout=20_000)
    shoot(page, "拍照录入")
    expect(page.get_by_role("heading", name="录入好了")).to_be_visible(timeout=120_000)

    # The shift began 24 minutes ago; the punch carries position and face.
    shift = seed(site, "shift")
    page.goto(site.school("alpha", "/m/punch/"))
    page.wait_for_selector("body[data-ready]")
    expect(page.locator("[data-proof=position]")).to_have_attribute("data-ok", "1", timeout=20_000)
    face = tmp_path / "me.jpg"
    face.write_bytes(face_models.photo(1))
    page.locator("input[name=face]").set_input_files(face)
    page.get_by_role("button", name=re.compile("^打卡")).click()
    expect(page.locator("#recent")).to_contain_text("有效", timeout=60_000)
    looked_at(page, "attendance-punched")

    # The result says why, in one sentence, once the shift is over.
    sentence = page.locator(".days li").filter(has_text=f"班次 {shift['starts']}")
    for _try in range(30):
        page.goto(site.school("alpha", f"/m/attendance/?month={shift['month']}"))
        if sentence.get_by_role("link", name="申诉 / 补卡").count():  # judged: until then it says what it waits for
            break
        page.wait_for_timeout(6_000)
    expect(sentence).to_contain_text(re.compile(r"首卡 \d\d:\d\d，超出宽限 10 分，迟到 \d+ 分"))
    looked_at(page, "attendance-late")

    # The worker appeals beside the sentence.
    sentence.get_by_role("link", name="申诉 / 补卡").click()
    page.wait_for_selector("body[data-ready]")
    page.get_by_label("上班").check()
    page.get_by_label("实际时间").fill(shift["at"])
    page.get_by_label("原因").fill("提前到岗，先处理了门口漏水，忘记打卡")
    looked_at(page, "attendance-ask")
    page.get_by_role("button", name="提交补卡申请").click()
    page.wait_for_url(re.compile("/m/attendance/"))
    expect(sentence).to_contain_text("待审批", timeout=20_000)

    # Somebody else decides.
    boss = Watched(
        browser.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN", timezone_id="Asia/Shanghai")
    )
    sign_in(boss.page, site, "att-boss", who["password"], "/attendance/corrections/")
    asked = boss.page.locator(".asks li").filter(has_text="吴师傅")
    expect(asked).to_contain_text("忘记打卡")
    looked_at(boss.page, "attendance-decide")
    asked.get_by_role("button", name="批准", exact=True).click()
    expect(boss.page.get_by_text("没有补卡申请")).to_be_visible(timeout=20_000)

    # The worker sees it put right, with how.
    for _try in range(20):
        page.goto(site.school("alpha", f"/m/attendance/?month={shift['month']}"))
        if sentence.filter(has_text="正常").count():
            break
        page.wait_for_timeout(3_000)
    expect(sentence).to_contain_text("正常")
    expect(sentence).to_contain_text("补卡")
    looked_at(page, "attendance-corrected")
    assert worker.complaints == [] and boss.complaints == []
    for watched in (worker, boss):
        watched.context.close()
