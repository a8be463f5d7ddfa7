"""Every page that each role can reach, on a wide and a narrow screen: readable, accessible, without complaint.

Pages without arguments come from the URLconf; one instance of each page with arguments from the links
on those. The last test names the page types that nobody reached. `SCREENS=1` keeps pictures in
var/screens/<visitor>/ for people to look at.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from tests.isolation.addresses import Address, public_addresses, school_addresses
from tests.pages.walking import Walk
from tests.running import ROOT, Site, Watched
from workers.demo.people import PASSWORD

pytestmark = pytest.mark.journey
SCHOOL = "qingyu"
VISITORS = [
    ("admin.qingyu", SCHOOL),
    ("supervisor.qingyu", SCHOOL),
    ("leader.qingyu", SCHOOL),
    ("guard.qingyu", SCHOOL),
    ("worker.qingyu", SCHOOL),
    ("provider", SCHOOL),
    ("", SCHOOL),
    ("institute", ""),
    ("analyst", ""),
    ("reviewer1", ""),
    ("", ""),
]
# Ways out, files, parts of pages and steps between two pages, by the name of the address.
NOT_PAGES = re.compile(
    r"account_(logout|sign_out_everywhere|enter|handover|arrive|arrived)|graphql|live|service_worker|manifest"
    r"|mfa_download_recovery_codes|.*\bexport.*|.*_export|.*download|.*import_template|calendar:template"
    r"|evidence:(file|thumb)|labels_file|job_file|organisation:(branch|qr)|attendance:board_rows|duty:(board|ringing)"
    r"|punches:(recent|clock|batch)|face:check|jobs:progress|evaluations:deduct|rubrics:pick|inspections:last"
    r"|.*application_document|institute:school_opening"
)
NO_SECOND_FACTOR = "nobody of the demo has a second factor; tests/identity walks through it"
# Pages that nobody opens here, and why.
NOT_REACHED = {
    "mfa_authenticate": NO_SECOND_FACTOR,
    "mfa_reauthenticate": NO_SECOND_FACTOR,
    "mfa_activate_totp": "asks for the password first",
    "mfa_deactivate_totp": NO_SECOND_FACTOR,
    "mfa_view_recovery_codes": NO_SECOND_FACTOR,
    "mfa_generate_recovery_codes": NO_SECOND_FACTOR,
    "account_signup": "nobody signs up: it answers 404",
    "phone_library:gaps": "what has no check is asked for in the office; on a phone it answers 404",
    "institute:library:gaps": "what has no check is a school's question; it answers 404",
    "face:batch": "needs the photographs of people who agreed; tests/journeys/test_face.py",
    "rubrics:changes": "the library holds no later edition of a template",
}
# Pages that stand for some minutes only: a call that happens to ring. tests/journeys/test_duty.py answers one.
BY_CHANCE = {"duty:phone_call"}
IMPORTS = ["/organisation/import/staff/", "/punches/import/", "/rosters/import/"]
WALKS: dict[tuple[str, str], Walk] = {}  # what each visitor of this run saw
AS_BASE64 = """async path => {
    const bytes = new Uint8Array(await (await fetch(path)).arrayBuffer());
    return btoa(bytes.reduce((text, byte) => text + String.fromCharCode(byte), ""));
}"""


@pytest.fixture(scope="module")
def demo(site: Site) -> Site:
    site.manage("demo", "--shared")
    site.manage("demo", "--school", SCHOOL)
    return site


@pytest.fixture(scope="module")
def doors(demo: Site) -> dict[str, dict[str, list[str]]]:
    """By host and visitor, paths that no list leads to (tests/pages/doors.py)."""
    made = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.pages.doors", SCHOOL],
        env=demo.env, cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    return json.loads(made.stdout.strip().splitlines()[-1])


def sign_in(page: Page, url: str, username: str) -> None:
    page.goto(url)
    page.locator("input[name=login]").fill(username)
    page.locator("input[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    page.wait_for_url(lambda url: "/login/" not in url)


def plain(addresses: list[Address]) -> list[str]:
    """The paths without arguments, phone pages last: the window changes its size less often."""
    paths = ["/", *(f"/{a.route}" for a in addresses if not a.arguments and "(" not in a.route)]
    return sorted(paths, key=lambda path: path.startswith("/m/"))


def imported(page: Page, origin: str, path: str) -> str:
    """Hand an import its own template back; return the path of the page that says what it found."""
    page.goto(f"{origin}{path}")
    template = page.evaluate(AS_BASE64, page.locator("a[href*='/template/']").first.get_attribute("href"))
    file = {"name": "表.xlsx", "mimeType": "application/octet-stream", "buffer": base64.b64decode(template)}
    page.locator("input[type=file]").set_input_files(file)
    for choice in page.locator("form:has(input[type=file]) select").all():
        choice.select_option(index=1)
    page.locator("form:has(input[type=file]) button:not([type=button])").click()
    page.wait_for_url(re.compile(r"/imports?/[0-9a-f-]{36}/"))
    page.locator(".progress-box").wait_for(state="detached", timeout=60_000)
    return urlsplit(page.url).path


def walk_of(browser: Browser, demo: Site, username: str, slug: str) -> Walk:
    """A new window at the door of a host."""
    watched = Watched(browser.new_context(locale="zh-CN", reduced_motion="reduce"))
    origin = (demo.school(slug) if slug else demo.url()).rstrip("/")
    addresses = school_addresses() if slug else public_addresses()
    walk = Walk(watched, origin, addresses, NOT_PAGES, f"{slug or 'public'}-{username.split('.')[0] or 'visitor'}")
    if username:
        sign_in(watched.page, f"{origin}/accounts/login/", username)
    return walk


@pytest.mark.parametrize(("username", "slug"), VISITORS)
def test_pages(demo: Site, doors: dict[str, dict[str, list[str]]], browser: Browser, username: str, slug: str) -> None:
    walk = WALKS[username, slug] = walk_of(browser, demo, username, slug)
    walk.go(plain(walk.addresses), doors.get(slug, {}).get(username, []))
    if username == f"admin.{SCHOOL}":
        walk.go([imported(walk.page, walk.origin, path) for path in IMPORTS])
    walk.watched.context.close()
    assert walk.faults == [], "\n".join(walk.faults)


def test_every_page_type_was_opened() -> None:
    """Whoever adds a page adds what leads to it: a link, a row of the demo, a door."""
    assert set(VISITORS) <= set(WALKS), "not everybody walked: run the whole file"
    opened = {label for walk in WALKS.values() for label in walk.opened}
    pages = {a.label: a.name for a in (*school_addresses(), *public_addresses()) if a.shows}
    missing = {label for label, name in pages.items() if label not in opened and not NOT_PAGES.fullmatch(name)}
    assert sorted(label for label in missing if pages[label] not in NOT_REACHED.keys() | BY_CHANCE) == []
    assert sorted(set(NOT_REACHED) - {pages[label] for label in missing}) == [], "somebody opens these by now"
