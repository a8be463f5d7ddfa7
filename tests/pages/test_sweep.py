"""Every page that each role can reach, on a wide and a narrow screen: readable, accessible, without complaint.

Pages without arguments come from the URLconf; one instance of each page with arguments from the links
on those. Pictures lie in var/screens/<role>/ for people to look at; they are not committed.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from tests.isolation.addresses import ARGUMENT, Address, public_addresses, school_addresses
from tests.running import Site, Watched, violations
from workers.demo.people import PASSWORD

pytestmark = pytest.mark.journey
SCREENS = Path(__file__).resolve().parents[2] / "var" / "screens"
LOOK = """async path => {
    const answer = await fetch(path, {redirect: "manual"});
    return [answer.status, answer.headers.get("content-type") || "", await answer.text()];
}"""
SIZES = {1440: 900, 360: 800}
# Ways out, and pages that are only a step between two others.
NOT_VISITED = re.compile(
    r"logout|sign_out|enter|handover|arrive|graphql|export|download|service_worker|manifest|template$"
)


@pytest.fixture(scope="module")
def demo(site: Site) -> Site:
    site.manage("demo")
    return site


def pattern_of(address: Address) -> re.Pattern[str]:
    """The paths of an address; arguments of any kind."""
    parts = ARGUMENT.split("/" + address.route)  # literal, converter, name, literal, …
    return re.compile("^" + "[^/]+".join(re.escape(part) for part in parts[::3]) + "$")


def sign_in(page: Page, url: str, username: str) -> None:
    page.goto(url)
    page.locator("input[name=login]").fill(username)
    page.locator("input[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    page.wait_for_url(lambda url: "/login/" not in url)


def faults_of(page: Page, width: int) -> list[str]:
    """What is wrong with the page as it stands."""
    found = [f"axe {fault}" for fault in violations(page)]
    wide = page.evaluate("document.documentElement.scrollWidth")
    if width == 360 and wide > 360:
        found.append(f"{wide} px wide at 360")
    if page.locator("h1").count() != 1:
        found.append(f"{page.locator('h1').count()} h1")
    if page.locator("html").get_attribute("lang") != "zh-Hans":
        found.append("lang is not zh-Hans")
    if not page.title().strip():
        found.append("no title")
    return found


def visit(watched: Watched, origin: str, paths: list[str], addresses: list[Address], shots: Path) -> list[str]:
    """Walk all paths, and one instance of each page they link to; return what was found wrong."""
    page, found, seen = watched.page, [], set()
    waiting = list(paths)
    patterns = [(address, pattern_of(address)) for address in addresses]
    shots.mkdir(parents=True, exist_ok=True)
    while waiting:
        path = waiting.pop(0)
        address = next((a for a, p in patterns if p.match(path)), None)
        if address is None or address.label in seen or NOT_VISITED.search(f"{address.name} {path}"):
            continue
        seen.add(address.label)
        name = (address.name or address.route).replace(":", "-").replace("/", "-") or "home"
        for width, height in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            if width == 1440:
                status, kind, text = page.evaluate(LOOK, path)
                watched.complaints.clear()  # a refusal is logged by the browser; it is no fault of a page
                if status >= 500:
                    found.append(f"{path}: {status}")
                if status != 200 or "text/html" not in kind or "<html" not in text:
                    break
                page.goto(f"{origin}{path}")
                page.wait_for_load_state("load")
            found += [f"{path} [{address.name}] {width}: {fault}" for fault in faults_of(page, width)]
            page.screenshot(path=shots / f"{name}-{width}.png", full_page=True)
            if width == 1440:
                links = page.eval_on_selector_all("a[href]", "links => links.map(link => link.href)")
                waiting += [urlsplit(link).path for link in links if link.startswith(origin)]
        found += [f"{path}: {complaint}" for complaint in watched.complaints]
        watched.complaints.clear()
    return found


def plain(addresses: list[Address]) -> list[str]:
    return ["/", *(f"/{a.route}" for a in addresses if not a.arguments and "(" not in a.route)]


@pytest.mark.parametrize(
    ("username", "slug"),
    [
        ("admin.qingyu", "qingyu"),
        ("supervisor.qingyu", "qingyu"),
        ("leader.qingyu", "qingyu"),
        ("guard.qingyu", "qingyu"),
        ("provider", "qingyu"),
        ("institute", ""),
        ("", "qingyu"),
        ("", ""),
    ],
)
def test_pages(demo: Site, browser: Browser, username: str, slug: str) -> None:
    addresses = school_addresses() if slug else public_addresses()
    origin = (demo.school(slug) if slug else demo.url()).rstrip("/")
    watched = Watched(browser.new_context(locale="zh-CN", reduced_motion="reduce"))
    watched.page.goto(f"{origin}/accounts/login/")
    if username:
        sign_in(watched.page, f"{origin}/accounts/login/", username)
    found = visit(
        watched,
        origin,
        plain(addresses),
        addresses,
        SCREENS / f"{slug or 'public'}-{username.split('.')[0] or 'visitor'}",
    )
    watched.context.close()
    assert found == [], "\n".join(found)
