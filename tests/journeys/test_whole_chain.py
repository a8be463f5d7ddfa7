"""The whole chain, played by the people of VISION in a real Chromium on a running platform.

apply → returned once → two reviewers → selected → the space opens → staff and places from real .xlsx
files → rubric adopted → inspected on a 360-pixel phone → rectified by the company → verified → the month
closes with a score → the institute sees it in the benchmark → another school sees nothing of it.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from stdnum.cn import uscc

from kernel.clock import SHANGHAI
from tests.journeys import files, locks
from tests.running import Site, Watched

pytestmark = pytest.mark.journey

SCHOOL = "云栖谷大学"
SLUG = "yunqigu"
DOMAIN = "yunqigu.example"
PASSWORD = "一条够长的口令-2026"
SCORE = "98.16"
STATEMENT = "我校保洁与安保外包，其余自管。巡查记录以纸质为主，扣分与照片对不上，希望用同一把尺子衡量外包与自管，并看清在同类学校中的位置。"


class Cast:
    """The people, each in a browser of their own."""

    def __init__(self, site: Site, browser: Browser) -> None:
        self.site, self.browser = site, browser
        self.people: dict[str, Watched] = {}

    def enter(self, name: str, *, phone: bool = False) -> Page:
        if name not in self.people:
            size = {"width": 360, "height": 780} if phone else {"width": 1440, "height": 900}
            context = self.browser.new_context(
                viewport=size, has_touch=phone, is_mobile=phone, locale="zh-CN", timezone_id="Asia/Shanghai",
                accept_downloads=True,
            )  # fmt: skip
            self.people[name] = Watched(context)
        return self.people[name].page

    def accept_invitation(self, page: Page, address: str, username: str, name: str) -> None:
        """Open the link of the newest mail to `address` and choose a password."""
        mail = self.site.wait_for_mail(address, "/accounts/invitation/")
        page.goto(re.findall(r"http\S+/accounts/invitation/\S+", mail)[-1])
        page.get_by_label("登录名").fill(username)
        page.get_by_label("姓名").fill(name)
        for field in page.locator("input[type=password]").all():
            field.fill(PASSWORD)
        with page.expect_navigation():
            page.get_by_role("button", name=re.compile("加入|接受|完成")).first.click()
        page.wait_for_load_state("networkidle")

    def sign_in(self, page: Page, url: str, username: str) -> None:
        page.goto(url)
        page.locator("input[name=login]").fill(username)
        page.locator("input[name=password]").fill(PASSWORD)
        page.get_by_role("button", name="登录").click()
        page.wait_for_url(lambda url: "/login/" not in url)


@pytest.fixture(scope="module")
def cast(site: Site, browser: Browser) -> Iterator[Cast]:
    people = Cast(site, browser)
    yield people
    for watched in people.people.values():
        watched.context.close()


def say_yes(page: Page) -> None:
    """Answer the confirm dialog."""
    page.locator("dialog[open] button[value=ok]").click()


def test_the_whole_chain(site: Site, cast: Cast, tmp_path: Path) -> None:
    the_institute_is_founded(site, cast)
    a_school_applies(site, cast, tmp_path)
    it_is_returned_once(site, cast)
    two_reviewers_score_it_sealed(site, cast)
    it_is_selected_and_opens(site, cast)
    the_admin_sets_the_school_up(site, cast, tmp_path)
    a_rubric_is_adopted(site, cast)
    colleagues_are_invited(site, cast)
    a_supervisor_inspects_on_a_phone(site, cast, tmp_path)
    the_company_rectifies(site, cast, tmp_path)
    the_supervisor_verifies(site, cast)
    a_month_goes_by(site)
    the_month_closes_with_a_score(site, cast)
    the_institute_sees_it_in_the_benchmark(site, cast)
    another_school_sees_nothing_of_it(site, cast)
    complaints = [f"{name}: {line}" for name, who in cast.people.items() for line in who.complaints]
    assert not complaints, "\n".join(complaints)


def the_institute_is_founded(site: Site, cast: Cast) -> None:
    site.manage("invite_institute_admin", "admin@institute.example", "研究院管理员")
    page = cast.enter("institute")
    cast.accept_invitation(page, "admin@institute.example", "yanjiuyuan", "研究院管理员")
    page.goto(site.url("/institute/"))
    expect(page.locator("h1")).to_be_visible()


def a_school_applies(site: Site, cast: Cast, folder: Path) -> None:
    page = cast.enter("applicant")
    page.goto(site.url("/"))
    page.get_by_role("link", name="学校申报").first.click()
    page.get_by_label("学校名称").fill(SCHOOL)
    page.get_by_label("邮箱").fill(f"shenbao@{DOMAIN}")
    page.get_by_role("button", name="开始申报").click()
    page.wait_for_url("**/apply/*/")
    mail = site.wait_for_mail(f"shenbao@{DOMAIN}", "/apply/")
    page.goto(re.findall(r"http\S+/apply/\S+", mail)[-1])
    stem = "12999999600000013"
    fill = {"school_code": "90013", "credit_code": stem + uscc.calc_check_digit(stem), "city": "云栖",
            "students": "12600", "staff_count": "980", "campuses": "2", "contact_name": "沈怀远",
            "contact_duty": "后勤处处长", "contact_phone": "13900000013", "statement": STATEMENT}  # fmt: skip
    page.get_by_label("类型与层次").select_option("university")
    page.locator("[name=region]").select_option("33")
    for field, value in fill.items():
        page.locator(f"[name={field}]").fill(value)
        page.locator(f"[name={field}]").blur()
    for line in ("cleaning", "security"):
        page.locator(f"[name=line_{line}][value=outsourced]").check()
    for line in ("dormitory", "canteen", "fire", "equipment", "repair", "greening"):
        page.locator(f"[name=line_{line}][value=self_run]").check()
    page.locator("[name=provider_names]").fill("澄屿湾物业服务有限公司")
    page.locator("[name=provider_names]").blur()
    expect(page.locator("#note_statement")).to_contain_text("已保存")
    for kind in ("letter", "legal", "service"):
        paper = files.pdf(folder / f"{kind}.pdf", kind)
        page.locator("#documents [name=kind]").select_option(kind)
        page.locator("#documents [name=file]").set_input_files(paper)
        page.get_by_role("button", name="上传").click()
        expect(page.locator("#documents-box")).to_contain_text(f"{kind}.pdf")
    page.get_by_role("button", name="核对并提交").click()
    expect(page.get_by_text("各项齐全，可以提交")).to_be_visible()
    page.get_by_role("button", name="提交申报").click()
    say_yes(page)
    expect(page.get_by_text("完整性审查").first).to_be_visible()


def invite(site: Site, cast: Cast, page: Page, address: str, mail: str, name: str, role: str, username: str) -> Page:
    """`page`'s person invites somebody, who accepts in a browser of their own; returns the newcomer's page."""
    page.goto(address)
    page.locator("[name=email]").fill(mail)
    page.locator("[name=name]").fill(name)
    page.locator("[name=role]").select_option(role)
    save(page)
    newcomer = cast.enter(username)
    cast.accept_invitation(newcomer, mail, username, name)
    return newcomer


def open_application(site: Site, page: Page) -> None:
    page.goto(site.url("/institute/applications/"))
    with page.expect_navigation():
        page.get_by_role("link", name=SCHOOL).click()


def it_is_returned_once(site: Site, cast: Cast) -> None:
    office, applicant = cast.enter("institute"), cast.enter("applicant")
    open_application(site, office)
    office.locator("[name=items]").fill("申报函缺少法定代表人签字\n请补充保洁服务合同的签章页")
    office.get_by_role("button", name="退回补正").click()
    with office.expect_navigation():
        say_yes(office)
    expect(office.get_by_text("已退回补正一次")).to_be_visible()
    mail = site.wait_for_mail(f"shenbao@{DOMAIN}", "补正")
    applicant.goto(re.findall(r"http\S+/apply/\S+", mail)[-1])
    expect(applicant.get_by_text("申报函缺少法定代表人签字")).to_be_visible()
    applicant.locator("[name=statement]").fill(STATEMENT + "已按要求补充签字与签章页。")
    applicant.locator("[name=statement]").blur()
    expect(applicant.locator("#note_statement")).to_contain_text("已保存")
    applicant.get_by_role("button", name="核对并提交").click()
    applicant.get_by_role("button", name="提交申报").click()
    with applicant.expect_navigation():
        say_yes(applicant)
    open_application(site, office)
    expect(office.get_by_role("button", name="退回补正")).to_have_count(0)  # once, never again


def two_reviewers_score_it_sealed(site: Site, cast: Cast) -> None:
    office = cast.enter("institute")
    people = (("pingshen1", "评审专家一", "某研究中心"), ("pingshen2", "评审专家二", "某设计院"),
              ("pingshen3", "评审专家三", SCHOOL))  # fmt: skip
    for username, name, employer in people:
        invite(site, cast, office, site.url("/institute/members/invite/"), f"{username}@institute.example", name,
               "institute_reviewer", username)  # fmt: skip
        office.goto(site.url("/institute/applications/reviewers/"))
        office.get_by_role("link", name=f"编辑 {name}").click()
        office.get_by_label("工作单位").fill(employer)
        with office.expect_navigation():
            office.locator("main button.btn-primary").last.click()
    open_application(site, office)
    office.get_by_role("button", name="受理").first.click()
    with office.expect_navigation():
        say_yes(office)
    expect(office.get_by_label("选择 评审专家三")).to_be_disabled()  # same employer
    office.get_by_label("选择 评审专家一").check()
    office.get_by_label("选择 评审专家二").check()
    with office.expect_navigation():
        office.get_by_role("button", name="指派所选").click()
    stranger = cast.enter("pingshen3")
    stranger.goto(site.url("/institute/applications/"))
    expect(stranger.get_by_text(SCHOOL)).to_have_count(0)
    for username, points in (("pingshen1", "91"), ("pingshen2", "87")):
        reviewer = cast.enter(username)
        open_application(site, reviewer)
        reviewer.get_by_role("link", name="评分").click()
        for field in reviewer.locator("input[name^=points_]").all():
            field.fill(points)
        reviewer.locator("#comment").fill("基础扎实，责任清楚，建议入选。")
        reviewer.locator("input[name=recommendation]").first.check()
        reviewer.get_by_role("button", name="提交评分").click()
        with reviewer.expect_navigation():
            say_yes(reviewer)
        open_application(site, office)
        if username == "pingshen1":
            expect(office.get_by_text("评分封存中：已交 1 / 2 份")).to_be_visible()
            expect(office.get_by_text("91")).to_have_count(0)
    expect(office.get_by_text("加权均分")).to_be_visible()
    expect(office.locator(".stat .value").first).to_contain_text("89")


def it_is_selected_and_opens(site: Site, cast: Cast) -> None:
    office = cast.enter("institute")
    open_application(site, office)
    office.locator("input[name=verdict]").first.check()
    office.locator("#id_reason").fill("评审意见一致，材料齐全，予以入选。")
    office.locator("[name=slug]").fill(SLUG)
    office.get_by_role("button", name="作出决定").click()
    # The steps are held by locks, so that each can be seen: the page follows by itself.
    with locks.connected(site) as building, locks.connected(site) as finishing:
        building.execute("LOCK TABLE schools_domain IN EXCLUSIVE MODE")
        with office.expect_navigation():
            say_yes(office)
        office.goto(site.url("/institute/schools/?search=" + SLUG))
        office.get_by_role("link", name=SCHOOL).first.click()
        state = office.locator("#school-body [role=status]").first
        expect(state).to_contain_text("建库中", timeout=30_000)
        locks.wait_until(
            building, locks.HELD_UP, building
        )  # the builder stands at the lock, and holds the school's row
        waiting = ThreadPoolExecutor(1).submit(
            finishing.execute, "SELECT 1 FROM schools_school WHERE slug = %s FOR UPDATE", [SLUG]
        )  # stands in the queue behind the builder, before the next step
        locks.wait_until(building, locks.WAITING, finishing)
        building.rollback()
        waiting.result(30)
        expect(state).to_contain_text("初始化", timeout=30_000)
        finishing.rollback()
    expect(state).to_contain_text("可用", timeout=30_000)
    admin = cast.enter("admin")
    cast.accept_invitation(admin, f"shenbao@{DOMAIN}", "shen", "沈怀远")
    admin.goto(site.school(SLUG))
    expect(admin.locator("h1")).to_be_visible()
    expect(admin.get_by_text("沈怀远").first).to_be_visible()


COMPANY = "澄屿湾物业服务有限公司"
COMPANY_CODE = "91330000MA7DEM0X2C"
CONTRACT = "澄屿湾保洁服务"


def save(page: Page) -> None:
    """Send the form and wait until it has led elsewhere."""
    here = page.url
    page.locator("main button.btn-primary").last.click()
    page.wait_for_url(lambda url: url != here)
    page.wait_for_load_state("networkidle")


def choose(page: Page, select: str, words: str) -> None:
    """Pick the first option whose text ends with, else holds, `words`."""
    options = {text.strip(): text for text in page.locator(f"{select} option").all_inner_texts()}
    fitting = [t for t in options if t.endswith(words)] or [t for t in options if words in t]
    page.locator(select).select_option(label=fitting[0])


def import_file(site: Site, page: Page, what: str, path: str) -> None:
    page.goto(site.school(SLUG, f"/organisation/import/{what}/"))
    page.locator("main input[type=file]").set_input_files(path)
    page.locator("main form button.btn-primary").click()
    expect(page.get_by_text("新增").first).to_be_visible(timeout=30_000)


def the_admin_sets_the_school_up(site: Site, cast: Cast, folder: Path) -> None:
    page = cast.enter("admin")
    page.goto(site.school(SLUG))
    expect(page.get_by_text("开始使用")).to_be_visible()  # never on an empty page without a next step
    import_file(site, page, "places", files.places(folder / "场所.xlsx"))
    page.get_by_role("button", name=re.compile("确认导入")).click()
    expect(page.get_by_role("link", name=re.compile("查看"))).to_be_visible(timeout=30_000)
    page.goto(site.school(SLUG, "/organisation/contracts/new/"))
    fill = {"name": CONTRACT, "number": "YQ-2026-01", "credit_code": COMPANY_CODE, "provider_name": COMPANY,
            "starts_on": "2026-01-01", "ends_on": "2028-12-31", "monthly_fee": "86000", "manager": "项目经理"}  # fmt: skip
    for field, value in fill.items():
        page.locator(f"main [name={field}]").fill(value)
    page.locator("main [name=lines][value=cleaning]").check()
    save(page)
    page.goto(site.school(SLUG, "/organisation/departments/new/"))
    page.locator("main [name=name]").fill("后勤保障部")
    save(page)
    page.goto(site.school(SLUG, "/organisation/lines/"))
    row = page.locator("#line-cleaning")
    row.locator("[name=cleaning-mode]").select_option("outsourced")
    row.locator("[name=cleaning-party_id]").select_option(label=CONTRACT)
    row.get_by_role("button").click()
    expect(page.locator("#line-cleaning")).to_contain_text(CONTRACT)
    page.goto(site.school(SLUG, "/organisation/posts/new/"))
    page.locator("main [name=party_id]").select_option(label=CONTRACT)
    page.locator("main [name=name]").fill("楼宇保洁员")
    page.locator("main [name=line]").select_option("cleaning")
    page.locator("main [name=headcount]").fill("6")
    save(page)
    # Five good rows and three bad ones: a wrong check digit, an unknown company, a number used twice.
    import_file(site, page, "staff", files.staff(folder / "员工.xlsx", CONTRACT))
    expect(page.get_by_role("link", name="下载改错文件")).to_be_visible()
    for words in ("身份证号", "所属单位", "工号"):
        expect(page.locator("main table")).to_contain_text(words)
    page.goto(site.school(SLUG, "/organisation/staff/"))
    expect(page.get_by_text("员工一号")).to_have_count(0)  # nothing is written until confirmed
    page.go_back()
    page.get_by_role("button", name=re.compile("导入正确的 5 行")).click()
    expect(page.get_by_role("link", name=re.compile("查看"))).to_be_visible(timeout=30_000)
    page.goto(site.school(SLUG, "/organisation/staff/"))
    expect(page.get_by_text("员工一号").first).to_be_visible()
    expect(page.locator("main")).not_to_contain_text("13900001001")  # masked


def a_rubric_is_adopted(site: Site, cast: Cast) -> None:
    page = cast.enter("admin")
    page.goto(site.school(SLUG, "/library/templates/"))
    page.get_by_role("link", name="物业保洁服务月度考核评分表").first.click()
    with page.expect_navigation():
        page.get_by_role("button", name=re.compile("采用")).first.click()
    with page.expect_navigation():
        page.get_by_role("button", name="启用").click()
    expect(page.get_by_role("link", name="编辑")).to_be_visible()


def colleagues_are_invited(site: Site, cast: Cast) -> None:
    admin = cast.enter("admin")
    for username, name, role in (
        ("ducha", "督查员周", "school_supervisor"),
        ("wuye", "项目总监李", "provider_manager"),
    ):
        admin.goto(site.school(SLUG, "/members/invite/"))
        admin.locator("[name=email]").fill(f"{username}@{DOMAIN}")
        admin.locator("[name=name]").fill(name)
        admin.locator("[name=role]").select_option(role)
        if role == "provider_manager":
            admin.locator("[name=provider]").select_option(label=COMPANY)
        save(admin)
        cast.accept_invitation(cast.enter(username, phone=True), f"{username}@{DOMAIN}", username, name)


def a_supervisor_inspects_on_a_phone(site: Site, cast: Cast, folder: Path) -> None:
    page = cast.enter("ducha", phone=True)
    page.goto(site.school(SLUG, "/m/"))
    page.get_by_role("link", name=re.compile("开始巡查")).click()
    choose(page, "main [name=place]", "明德楼")
    page.locator("main [name=sheet]").first.check()
    page.get_by_role("button", name="开始").click()
    page.wait_for_url("**/m/inspections/*/")
    first = page.locator("article.walk-item[data-item]").first
    first.get_by_role("button", name="不合格").click()
    page.locator("#fail-photos").set_input_files(files.photo(folder / "现场.jpg", stains=9))
    page.get_by_role("button", name="开出问题").click()
    expect(first.get_by_role("button", name="不合格")).to_have_attribute("aria-pressed", "true")
    page.locator("article.walk-item[data-item]").nth(1).get_by_role("button", name="不适用").click()
    rest = page.get_by_role("button", name="本部分其余都合格")
    while left := rest.count():
        rest.first.click()
        say_yes(page)
        expect(rest).to_have_count(left - 1)
    page.get_by_role("button", name="结束巡查").click()
    expect(page.get_by_role("heading", name=re.compile("问题解决了没有"))).to_be_visible(timeout=30_000)


def the_company_rectifies(site: Site, cast: Cast, folder: Path) -> None:
    page = cast.enter("wuye", phone=True)
    page.goto(site.school(SLUG, "/m/"))
    waiting = page.get_by_text("待整改", exact=True)
    while left := waiting.count():
        waiting.first.click()
        page.locator("#f-photos").set_input_files(files.photo(folder / "整改后.jpg", stains=0))
        page.locator("#f-text").fill("已清理并安排每日两次巡检。")
        page.get_by_role("button", name="提交，请求复查").click()
        page.wait_for_url("**/m/")
        expect(waiting).to_have_count(left - 1)
    # Whoever fixed it never closes it: there is no way to, neither here nor by address.
    page.goto(site.school(SLUG, "/findings/?bucket=all"))
    page.get_by_role("link", name=re.compile("^WT")).first.click()
    page.wait_for_url(re.compile(r"/findings/[0-9a-f-]{36}/"))
    expect(page.get_by_text("待复查").first).to_be_visible()
    expect(page.get_by_role("button", name="通过，销号")).to_have_count(0)
    ident = re.findall(r"[0-9a-f-]{36}", page.url)[0]
    refused = page.evaluate(
        """async (id) => {
          const form = new FormData()
          form.set('csrfmiddlewaretoken', document.body.dataset.csrf)
          form.set('verdict', 'pass')
          form.set('text', '自己通过')
          return (await fetch(`/findings/${id}/verify/`, {method: 'POST', body: form, redirect: 'manual'})).status
        }""",
        ident,
    )
    assert refused in (403, 422)
    with locks.connected(site) as rows:
        found = rows.execute(f"SELECT status FROM s_{SLUG}.findings_finding WHERE id = %s", [ident]).fetchone()
    assert found == ("verifying",)
    cast.people["wuye"].complaints.clear()  # the refusal above is on purpose


def the_supervisor_verifies(site: Site, cast: Cast) -> None:
    page = cast.enter("ducha", phone=True)
    page.goto(site.school(SLUG, "/m/"))
    waiting = page.get_by_text("待复查", exact=True)
    expect(waiting).not_to_have_count(0)
    while left := waiting.count():
        waiting.first.click()
        expect(page.locator("main img")).not_to_have_count(0)  # before and after
        page.locator("#v-text").fill("现场复查合格。")
        page.get_by_role("button", name="通过，销号").click()
        page.wait_for_url("**/m/")
        expect(waiting).to_have_count(left - 1)
    admin = cast.enter("admin")
    admin.goto(site.school(SLUG, "/findings/?bucket=closed"))
    expect(admin.get_by_text("已销号").first).to_be_visible()


def a_month_goes_by(site: Site) -> None:
    """What happened today happened on the last day of the month before: its round may close."""
    day = datetime.now(SHANGHAI).day
    with locks.connected(site) as rows:
        rows.execute(f"UPDATE s_{SLUG}.findings_finding SET found_at = found_at - make_interval(days => %s)", [day])


def last_month() -> str:
    return (datetime.now(SHANGHAI).replace(day=1) - timedelta(days=1)).strftime("%Y-%m")


def the_month_closes_with_a_score(site: Site, cast: Cast) -> None:
    page = cast.enter("admin")
    month = last_month()
    page.goto(site.school(SLUG, "/evaluations/new/"))
    page.locator("[name=month]").fill(month)
    page.get_by_role("button", name="下一步").click()
    choose(page, "#id_choice", CONTRACT)
    page.get_by_role("button", name="下一步").click()
    page.get_by_role("button", name="下一步").click()
    for row, (name, weight, mode) in enumerate((("巡查考核", "60", "sheet"), ("使用单位", "40", "raw"))):
        page.locator(f"[name=s{row}-name]").fill(name)
        page.locator(f"[name=s{row}-weight]").fill(weight)
        page.locator(f"[name=s{row}-mode]").select_option(mode)
    page.get_by_role("button", name="建好草稿").click()
    page.get_by_role("button", name="开始打分").click()
    page.get_by_role("link", name="去打分 巡查考核").click()
    expect(page.locator("main")).to_contain_text("道路广场每日普扫")
    page.get_by_role("button", name="提交评分表").click()
    say_yes(page)
    page.get_by_role("link", name="去打分 使用单位").click()
    page.locator("main [name=raw]").fill("96.9")
    page.get_by_role("button", name="提交打分").click()
    page.get_by_role("button", name="计算得分").click()
    # 巡查考核 100 − 1 (one fault of the first item; the item out of use leaves the denominator), × 60 % + 96.9 × 40 %.
    expect(page.locator(".stat .value").first).to_contain_text(SCORE)
    page.get_by_role("button", name="定稿").click()
    say_yes(page)
    expect(page.get_by_text("已定稿").first).to_be_visible()
    # The number can be opened: deduction → finding with photo, place and clause.
    for closed in page.locator("main details:not([open]) > summary").all():
        if closed.is_visible():
            closed.click()
    expect(page.locator("main img").first).to_be_visible()
    page.get_by_role("link", name=re.compile("^WT")).first.click()
    expect(page.locator("main")).to_contain_text("明德楼")
    expect(page.get_by_text("已销号").first).to_be_visible()


def the_institute_sees_it_in_the_benchmark(site: Site, cast: Cast) -> None:
    page = cast.enter("institute")
    until = time.monotonic() + 30
    while True:  # the facts flow up in the background
        page.goto(site.url(f"/institute/benchmark/?month={last_month()}"))
        if page.locator("main table").get_by_text(SCHOOL).count():
            break
        assert time.monotonic() < until, page.locator("main").inner_text()
        time.sleep(0.5)
    expect(page.locator("main table tr").filter(has_text=SCHOOL)).to_contain_text(SCORE)
    # The number is the institute's; the detail stays the school's until it grants it.
    page.goto(site.school(SLUG, "/accounts/enter/?next=/findings/"))
    expect(page.locator("h1")).to_contain_text("没有权限")
    admin = cast.enter("admin")
    admin.goto(site.school(SLUG, "/grants/new/"))
    admin.locator("[name=scopes][value=findings]").check()
    today = datetime.now(SHANGHAI).strftime("%Y-%m-%d")
    admin.locator("[name=starts_on]").fill(today)
    admin.locator("[name=ends_on]").fill(today)
    admin.locator("[name=reason]").fill("阶段评估资料核查")
    save(admin)
    page.goto(site.school(SLUG, "/findings/?bucket=all"))
    expect(page.get_by_role("link", name=re.compile("^WT")).first).to_be_visible()
    admin.goto(site.school(SLUG, "/grants/reads/"))
    expect(admin.locator("main")).to_contain_text("研究院管理员")
    page.goto(site.school(SLUG, "/organisation/staff/"))
    expect(page.locator("main")).to_contain_text("授权不包括")


def another_school_sees_nothing_of_it(site: Site, cast: Cast) -> None:
    """By any id, host, token or query: the admin of school beta tries with what was learned here."""
    admin = cast.enter("admin")
    admin.goto(site.school(SLUG, "/findings/?bucket=all"))
    finding = admin.get_by_role("link", name=re.compile("^WT")).first.get_attribute("href")
    admin.goto(site.school(SLUG, "/evaluations/"))
    score = admin.locator("main table a").first.get_attribute("href")
    site.manage("shell", "-c", SPY)
    spy = cast.enter("spy")
    cast.sign_in(spy, site.school("beta", "/accounts/login/"), "spy")
    secrets = (SCHOOL, CONTRACT, "道路广场每日普扫", "明德楼", "员工一号")
    for path in (
        finding,
        score,
        "/findings/?bucket=all",
        "/evaluations/",
        "/organisation/staff/?search=员工",
        "/timeline/",
    ):
        spy.goto(site.school("beta", str(path)))
        for secret in secrets:
            expect(spy.locator("body")).not_to_contain_text(secret)
    spy.goto(site.school(SLUG, str(finding)))  # signed in at beta means nobody here
    expect(spy).to_have_url(re.compile("/accounts/login/"))
    ident = str(finding).strip("/").split("/")[-1]
    for host in ("beta", SLUG):
        spy.goto(site.school(host, "/accounts/login/"))
        answer = spy.evaluate(
            """async (id) => {
              const query = `{ findings(first: 50) { edges { node { id title } } } finding(id: "${id}") { id title } }`
              const token = document.body.dataset.csrf
              const headers = {'Content-Type': 'application/json', 'X-CSRFToken': token, Accept: 'application/json'}
              const answer = await fetch('/graphql/', {method: 'POST', headers, body: JSON.stringify({query})})
              return await answer.text()
            }""",
            ident,
        )
        for secret in (*secrets, ident):
            assert secret not in answer
        if host == "beta":  # the question is a good one: at home it has an answer
            assert json.loads(answer) | {"extensions": 0} == {
                "data": {"findings": {"edges": []}, "finding": None}, "extensions": 0
            }  # fmt: skip
            token = spy.evaluate(TOKEN)
    said = spy.evaluate(
        """async (secret) => {
          const headers = {'Content-Type': 'application/json', Authorization: `Bearer ${secret}`}
          const query = '{ findings(first: 5) { edges { node { id } } } }'
          const answer = await fetch('/graphql/', {method: 'POST', headers, body: JSON.stringify({query})})
          return [answer.status, await answer.text()]
        }""",
        token,
    )
    assert said[0] == 401 and "data" not in json.loads(said[1])
    cast.people["spy"].complaints.clear()  # the refusals above are 404s on purpose
    cast.people["institute"].complaints.clear()


TOKEN = """async () => {
  const query = 'mutation { createToken(name: "x", scopes: ["findings:read"], days: 9) { secret userErrors { code } } }'
  const headers = {'Content-Type': 'application/json', 'X-CSRFToken': document.body.dataset.csrf}
  const answer = await fetch('/graphql/', {method: 'POST', headers, body: JSON.stringify({query})})
  return (await answer.json()).data.createToken.secret
}"""
SPY = f"""
from identity.models import Account, Membership
from institute.schools.models import School
spy = Account.objects.create_user("spy", "{PASSWORD}", name="旁校管理员", email="spy@beta.example")
Membership.objects.create(account=spy, school_id=School.objects.get(slug="beta").pk, role="school_admin")
"""
