"""A worker reads, agrees, is seen by the camera and known again, and takes it all back; the office sees that much and no more.

The camera is Chromium's fake one showing a drawn person; detection, alignment, liveness and embedding are the real
insightface on small models, in the process of the queue `face`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.factories import face_models
from tests.running import ROOT, Site, Watched, violations

pytestmark = pytest.mark.journey
SHOTS = os.environ.get("SHOTS", "")


def person(site: Site, browser: Browser, name: str, password: str, path: str, *, phone: bool) -> Watched:
    size = {"width": 360, "height": 780} if phone else {"width": 1440, "height": 900}
    watched = Watched(
        browser.new_context(
            viewport=size, has_touch=phone, is_mobile=phone, locale="zh-CN", timezone_id="Asia/Shanghai",
            permissions=["camera"],
        )
    )  # fmt: skip
    page = watched.page
    page.goto(site.school("alpha", path))
    page.locator("input[name=login]").fill(name)
    page.locator("input[name=password]").fill(password)
    page.get_by_role("button", name="登录").click()
    page.wait_for_url(lambda url: url.endswith(path))
    return watched


def looked_at(page: Page, name: str) -> None:
    """Axe finds nothing, nothing is wider than the screen; a picture is kept where SHOTS says."""
    page.wait_for_load_state("load")
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)
    assert violations(page) == [], name
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{name} is {wide}px too wide"


def shoot(page: Page, button: str) -> None:
    """Open the page's camera and take the picture, which sends it."""
    page.locator(".shoot", has_text=button).first.locator("input[type=file]").click()
    dialog = page.get_by_role("dialog", name="拍一张正面照")
    expect(dialog).to_be_visible()
    for _ in range(200):  # the CSP lets no script of ours wait for it
        if page.evaluate("document.querySelector('dialog.selfie video').videoWidth") > 0:
            break
        page.wait_for_timeout(100)
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/face-camera.png")
    dialog.get_by_role("button", name="拍照").click()


def test_from_reading_to_taking_back(site: Site, browser: Browser, tmp_path: Path) -> None:
    made = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.journeys.face_seed"],
        env=site.env, cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    seeded = json.loads(made.stdout.strip().splitlines()[-1])
    worker = person(site, browser, "face-worker", seeded["password"], "/m/face/", phone=True)
    page = worker.page
    looked_at(page, "face-ask")
    page.get_by_label("我已满十四周岁").check()
    page.get_by_role("button", name="同意使用").click()
    expect(page.get_by_role("heading", name="录入一张照片")).to_be_visible(timeout=20_000)
    looked_at(page, "face-agreed")
    shoot(page, "拍照录入")
    expect(page.get_by_role("heading", name="录入好了")).to_be_visible(timeout=90_000)  # the models load now
    looked_at(page, "face-enrolled")
    page.get_by_role("link", name="好").click()
    looked_at(page, "face-mine")
    shoot(page, "试一试能不能认出来")
    expect(page.get_by_role("heading", name="认出来了")).to_be_visible(timeout=60_000)
    looked_at(page, "face-known")

    office = person(site, browser, "face-admin", seeded["password"], "/face/", phone=False)
    for path, name in (
        ("/face/", "office"), ("/face/people/", "people"), (f"/face/people/{seeded['staff']}/", "person"),
        ("/face/settings/", "settings"), ("/face/deletions/", "deletions"), ("/face/batch/", "batch-new"),
        (f"/face/people/{seeded['staff']}/paper/", "paper"),
    ):  # fmt: skip
        office.page.goto(site.school("alpha", path))
        looked_at(office.page, f"face-{name}-1440")
        office.page.set_viewport_size({"width": 360, "height": 780})
        looked_at(office.page, f"face-{name}-360")
        office.page.set_viewport_size({"width": 1440, "height": 900})
    photos = [tmp_path / f"G00{n}.jpg" for n in range(1, 4)]
    for n, photo in enumerate(photos, start=1):
        photo.write_bytes(face_models.photo(n))
    office.page.goto(site.school("alpha", "/face/batch/"))
    office.page.locator("input[type=file]").set_input_files(photos)
    office.page.get_by_role("button", name="上传并录入").click()
    expect(office.page.get_by_text("本人没有同意使用人脸").first).to_be_visible(timeout=90_000)
    expect(office.page.get_by_text("G003.jpg")).to_be_visible()
    looked_at(office.page, "face-batch-1440")

    page.goto(site.school("alpha", "/m/face/"))
    page.get_by_role("button", name="撤回同意并删除").click()
    page.get_by_role("button", name="撤回并删除", exact=True).click()
    expect(page.get_by_text("人脸特征：撤回同意")).to_be_visible(timeout=20_000)
    looked_at(page, "face-revoked")
    office.page.goto(site.school("alpha", "/face/deletions/"))
    expect(office.page.get_by_text("撤回同意").first).to_be_visible()
    assert worker.complaints == [] and office.complaints == []
    for watched in (worker, office):
        watched.context.close()
