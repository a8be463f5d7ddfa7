"""Take the README's screenshots from a running demo: `python -m infra.screens [port]`."""

import io
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

HERE = Path(__file__).resolve().parents[1] / "docs" / "screens"
ARGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync"]  # fmt: skip


def enter(browser: Browser, base: str, username: str, password: str, width: int, height: int) -> Page:
    page = browser.new_context(viewport={"width": width, "height": height}, locale="zh-CN").new_page()
    page.goto(base + "/accounts/login/")
    page.fill("input[name=login]", username)
    page.fill("input[name=password]", password)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/login/" not in url)
    return page


def keep(page: Page, name: str) -> None:
    page.wait_for_timeout(1200)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("P", palette=Image.Palette.ADAPTIVE, colors=128)
    HERE.mkdir(parents=True, exist_ok=True)
    picture.save(HERE / f"{name}.png", optimize=True)


def main(port: str = "8000", password: str = "houqin-demo-2026") -> None:
    """The demo of `make run` must be up; `password` is the one it prints."""
    school, public = f"http://qingyu.localhost:{port}", f"http://localhost:{port}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGS)
        page = enter(browser, school, "admin.qingyu", password, 1280, 860)
        page.goto(school + "/evaluations/")
        page.locator("main table tbody a").first.click()
        page.wait_for_load_state("networkidle")
        page.get_by_role("heading", name="分数从哪里来").scroll_into_view_if_needed()
        page.mouse.wheel(0, 560)
        keep(page, "score")
        page = enter(browser, public, "institute", password, 1280, 860)
        page.goto(public + "/institute/benchmark/")
        keep(page, "institute")
        page = enter(browser, school, "supervisor.qingyu", password, 360, 740)
        page.goto(school + "/m/inspections/start/")
        page.locator("main [name=place]").select_option(label="东校区 / 明德楼")
        page.get_by_label("物业保洁服务月度考核评分表").check()
        page.get_by_role("button", name="开始").click()
        page.wait_for_url(lambda url: "/start/" not in url)
        items = page.locator("article.walk-item[data-item]")
        items.nth(0).locator("button[value=pass]").click()
        keep(page, "phone")
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
