"""The roster grid as it is used: painted and moved with the mouse, filled with the keyboard, several posts a day."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import date, timedelta

import psycopg
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests import databases
from tests.journeys.roster_seed import PASSWORD
from tests.journeys.test_walk_offline import looked_at
from tests.running import ROOT, Site, Watched

pytestmark = pytest.mark.journey


@pytest.fixture(scope="module")
def seed(site: Site) -> dict[str, str]:
    made = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.journeys.roster_seed"],
        env=site.env, cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    found: dict[str, str] = json.loads(made.stdout.strip().splitlines()[-1])
    return found


@pytest.fixture(scope="module")
def watched(site: Site, seed: dict[str, str], browser: Browser) -> Watched:
    """The admin before the coming week."""
    someone = Watched(
        browser.new_context(
            viewport={"width": 1440, "height": 900}, locale="zh-CN", timezone_id="Asia/Shanghai",
            permissions=["clipboard-read", "clipboard-write"],
        )
    )  # fmt: skip
    page = someone.page
    page.goto(site.school("alpha", f"/rosters/?view=week&day={seed['monday']}"))
    page.locator("input[name=login]").fill("roster-admin")
    page.locator("input[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    page.wait_for_url(re.compile(r"/rosters/\?"))
    return someone


def cell(page: Page, who: int, day: int) -> Locator:
    return page.locator(f"td.c[data-r='{who}'][data-d='{day}']")


def drag(page: Page, start: Locator, end: Locator) -> None:
    """The mouse goes down on one cell and up on another, over what lies between."""
    a, b = start.bounding_box(), end.bounding_box()
    assert a and b
    page.mouse.move(a["x"] + a["width"] / 2, a["y"] + a["height"] / 2)
    page.mouse.down()
    page.mouse.move(b["x"] + b["width"] / 2, b["y"] + b["height"] / 2, steps=12)
    page.mouse.up()


def save(page: Page, cells: int) -> None:
    expect(page.locator("#ro-save [data-part=count]")).to_have_text(f"{cells} 格未保存")
    with page.expect_response(re.compile(r"/rosters/save/")) as answer:
        page.keyboard.press("Control+s")
    assert answer.value.json()["refused"] == []
    expect(page.locator("#ro-save")).to_be_hidden()


def stored(site: Site, seed: dict[str, str]) -> dict[str, list[str]]:
    """What the database holds: by person's number and day of the week, code@post (and +place where it is another)."""
    names = {seed["gate"]: "门", seed["desk"]: "台", seed["hall"]: "馆"}
    found: dict[str, list[str]] = {}
    with psycopg.connect(databases.url_of(site.database)) as database:
        rows = database.execute(
            "SELECT s.number, a.day, coalesce(h.code, '休'), a.post_id, a.place_id FROM s_alpha.rosters_assignment a"
            " JOIN s_alpha.organisation_staff s ON s.id = a.staff_id LEFT JOIN s_alpha.rosters_shift h ON h.id = a.shift_id"
            " WHERE a.cancelled_at IS NULL ORDER BY 1, 2, 3"
        ).fetchall()
    monday = date.fromisoformat(seed["monday"])
    for number, day, code, post, place in rows:
        where = names.get(str(place), "") if place else ""
        word = code + (f"@{names[str(post)]}" if post else "") + (f"+{where}" if where else "")
        found.setdefault(f"{number}/{(day - monday) // timedelta(days=1)}", []).append(word)
    return found


def test_the_roster_is_made_with_mouse_and_keyboard(site: Site, seed: dict[str, str], watched: Watched) -> None:
    page = watched.page
    expect(page.locator("tfoot tr").nth(1)).to_contain_text("12")  # a day of the contract without anybody
    looked_at(page, "roster-empty")

    # Mouse: a shift of the palette painted over five days; then three of them dragged one person down.
    page.locator("#ro-palette").get_by_role("button", name=re.compile("^早")).click()
    drag(page, cell(page, 0, 0), cell(page, 0, 4))
    save(page, 5)
    assert stored(site, seed) == {**{f"RO-0/{d}": ["早@门"] for d in range(5)}, "RO-0/6": ["早@门"]}
    expect(page.locator("tfoot tr").nth(0).locator("td").nth(0)).to_have_text("1")
    expect(page.locator("tfoot tr").nth(1).locator("td").nth(0)).to_have_text("6")  # half of the contract is there
    page.keyboard.press("Escape")  # the brush is put down
    drag(page, cell(page, 0, 2), cell(page, 0, 4))
    expect(page.locator("td.sel")).to_have_count(3)
    drag(page, cell(page, 0, 2), cell(page, 1, 2))
    save(page, 6)
    assert stored(site, seed) == {
        **{f"RO-0/{d}": ["早@门"] for d in (0, 1, 6)}, **{f"RO-1/{d}": ["早@门"] for d in (2, 3, 4)}
    }  # fmt: skip

    # Keyboard: arrows, a code, a block copied and pasted onto a person of another post, deleted, undone.
    cell(page, 2, 0).click()
    page.keyboard.type("B")
    page.keyboard.press("Tab")
    page.keyboard.press("F2")
    page.keyboard.type("休")
    page.keyboard.press("Enter")
    expect(cell(page, 3, 1)).to_be_focused()  # Enter goes down
    save(page, 2)
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Control+c")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Control+v")
    save(page, 2)
    now = stored(site, seed)
    assert (now["RO-2/0"], now["RO-2/1"]) == (["B@门"], ["休"])
    assert (now["RO-3/0"], now["RO-3/1"]) == (["B@台"], ["休"])  # at the own post of who it was pasted to
    expect(page.locator("tfoot tr").nth(1).locator("td").nth(0)).to_have_text("满")  # early and late are there
    page.keyboard.press("Delete")
    expect(cell(page, 3, 0)).to_contain_text("没有排班")
    page.keyboard.press("Control+z")
    expect(cell(page, 3, 0)).to_contain_text("晚班")
    expect(page.locator("#ro-save")).to_be_hidden()  # as it was: nothing to save
    cell(page, 2, 1).click()
    page.keyboard.press("Delete")
    save(page, 1)
    assert "RO-2/1" not in stored(site, seed)
    assert stored(site, seed)["RO-3/1"] == ["休"]


def test_a_cell_takes_several_posts_and_places(site: Site, seed: dict[str, str], watched: Watched) -> None:
    page = watched.page
    page.goto(site.school("alpha", f"/rosters/?view=week&day={seed['monday']}"))
    before = stored(site, seed)
    cell(page, 3, 3).dblclick()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("邓四")
    looked_at(page, "roster-chooser")
    first = dialog.locator("fieldset").nth(0)
    first.get_by_label("班次", exact=True).select_option(seed["early"])
    first.get_by_label("地点", exact=True).select_option(seed["hall"])
    dialog.get_by_role("button", name="再加一班").click()
    second = dialog.locator("fieldset").nth(1)
    second.get_by_label("班次", exact=True).select_option(seed["late"])
    second.get_by_label("岗位", exact=True).select_option(seed["gate"])
    dialog.get_by_role("button", name="确定").click()
    expect(cell(page, 3, 3)).to_be_focused()
    expect(cell(page, 3, 3)).to_contain_text("南门岗")
    save(page, 1)
    assert stored(site, seed) == {**before, "RO-3/3": ["B@门", "早@台+馆"]}

    # Only the place of one shift changes: that is a change too, and the other shift stays.
    page.keyboard.press("Space")
    page.get_by_role("dialog").locator("fieldset").nth(0).get_by_label("地点", exact=True).select_option("")
    page.get_by_role("dialog").get_by_role("button", name="确定").click()
    save(page, 1)
    assert stored(site, seed)["RO-3/3"] == ["B@门", "早@台"]
    looked_at(page, "roster-full")
    page.set_viewport_size({"width": 360, "height": 780})
    looked_at(page, "roster-360")
    assert watched.complaints == []
