"""The whole chain, played by the people of VISION in a real Chromium on a running platform.

apply → returned once → two reviewers → selected → the space opens → staff and places from real .xlsx
files → rubric adopted → inspected on a 360-pixel phone → rectified by the company → verified → the month
closes with a score → the institute sees it in the benchmark → another school sees nothing of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from stdnum.cn import uscc

from tests.journeys import files
from tests.running import Site, Watched

pytestmark = pytest.mark.journey

SCHOOL = "云栖谷大学"
SLUG = "yunqigu"
PASSWORD = "一条够长的口令-2026"
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
        page.get_by_role("button", name=re.compile("加入|接受|完成")).first.click()
        page.wait_for_load_state("networkidle")

    def sign_in(self, page: Page, url: str, username: str) -> None:
        page.goto(url)
        page.locator("input[name=login]").fill(username)
        page.locator("input[name=password]").fill(PASSWORD)
        page.get_by_role("button", name="登录").click()
        page.wait_for_load_state("networkidle")


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
    page.get_by_label("邮箱").fill("shenbao@yunqigu.example")
    page.get_by_role("button", name="开始申报").click()
    page.wait_for_url("**/apply/*/")
    mail = site.wait_for_mail("shenbao@yunqigu.example", "/apply/")
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
    page.locator("main button.btn-primary").click()
    page.wait_for_load_state("networkidle")
    newcomer = cast.enter(username)
    cast.accept_invitation(newcomer, mail, username, name)
    return newcomer


def open_application(site: Site, page: Page) -> None:
    page.goto(site.url("/institute/applications/"))
    page.get_by_role("link", name=SCHOOL).click()
    page.wait_for_load_state("networkidle")


def it_is_returned_once(site: Site, cast: Cast) -> None:
    office, applicant = cast.enter("institute"), cast.enter("applicant")
    open_application(site, office)
    office.locator("[name=items]").fill("申报函缺少法定代表人签字\n请补充保洁服务合同的签章页")
    office.get_by_role("button", name="退回补正").click()
    say_yes(office)
    expect(office.get_by_text("已退回补正一次")).to_be_visible()
    mail = site.wait_for_mail("shenbao@yunqigu.example", "补正")
    applicant.goto(re.findall(r"http\S+/apply/\S+", mail)[-1])
    expect(applicant.get_by_text("申报函缺少法定代表人签字")).to_be_visible()
    applicant.locator("[name=statement]").fill(STATEMENT + "已按要求补充签字与签章页。")
    applicant.locator("[name=statement]").blur()
    expect(applicant.locator("#note_statement")).to_contain_text("已保存")
    applicant.get_by_role("button", name="核对并提交").click()
    applicant.get_by_role("button", name="提交申报").click()
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
        office.locator("main button.btn-primary").click()
        office.wait_for_load_state("networkidle")
    open_application(site, office)
    office.get_by_role("button", name="受理").first.click()
    say_yes(office)
    office.wait_for_load_state("networkidle")
    expect(office.get_by_label("选择 评审专家三")).to_be_disabled()  # same employer
    office.get_by_label("选择 评审专家一").check()
    office.get_by_label("选择 评审专家二").check()
    office.get_by_role("button", name="指派所选").click()
    office.wait_for_load_state("networkidle")
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
        say_yes(reviewer)
        reviewer.wait_for_load_state("networkidle")
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
    say_yes(office)
    office.wait_for_load_state("networkidle")
    office.goto(site.url("/institute/schools/?search=" + SLUG))
    office.get_by_role("link", name=SCHOOL).first.click()
    expect(office.get_by_text("可用").first).to_be_visible(timeout=30_000)  # the page follows the progress by itself
    admin = cast.enter("admin")
    cast.accept_invitation(admin, "shenbao@yunqigu.example", "shen", "沈怀远")
    admin.goto(site.school(SLUG))
    expect(admin.locator("h1")).to_be_visible()
    expect(admin.get_by_text("沈怀远").first).to_be_visible()
