"""Is everything there? The same list is shown to the applicant before submitting and to the institute after."""

from collections.abc import Iterable
from dataclasses import dataclass

from institute.applications import answers
from institute.applications.choices import REQUIRED_DOCUMENTS, DocumentKind
from institute.applications.models import Application
from standards_library.choices import ServiceLine


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be there. `field` is the answer (or document kind) to go to."""

    field: str
    label: str
    done: bool
    hint: str = ""


def checks(application: Application, kinds: Iterable[str]) -> list[Check]:
    """All checks in the order of the form; `kinds` are the kinds of the documents handed in."""
    a, have = application, set(kinds)
    unsaid = [line.label for line in ServiceLine if not a.line_modes.get(line.value)]
    outsourced = any(m in {"outsourced", "mixed"} for m in a.line_modes.values())
    code = a.school_code or a.credit_code
    problem = (a.school_code and answers.school_code_problem(a.school_code)) or (
        a.credit_code and answers.credit_code_problem(a.credit_code)
    )
    found = [
        _present(a, "name"),
        Check("credit_code" if a.credit_code and not a.school_code else "school_code",
              "学校代码或统一社会信用代码", bool(code) and not problem,
              problem or ("" if code else "两项至少填一项。")),
        _present(a, "kind"),
        _present(a, "region"),
        _present(a, "city"),
        _present(a, "students"),
        _present(a, "staff_count"),
        _present(a, "campuses"),
        Check("line_cleaning" if not unsaid else f"line_{_first(a)}", "各服务条线的运营方式",
              not unsaid and a.mode is not None,
              f"还未选择：{'、'.join(str(u) for u in unsaid)}。" if unsaid else
              ("" if a.mode else "至少有一条服务条线由本校设置。")),
    ]  # fmt: skip
    if outsourced:
        found.append(_present(a, "provider_names"))
    found += [
        _present(a, "contact_name"),
        _present(a, "contact_duty"),
        _valid("contact_phone", a.contact_phone, answers.phone_problem(a.contact_phone) if a.contact_phone else ""),
        _valid("contact_email", a.contact_email, answers.email_problem(a.contact_email) if a.contact_email else ""),
        Check("contact_email", "邮箱已确认", a.email_confirmed_at is not None,
              "请打开我们发到该邮箱的链接；没有收到可以重新发送。"),
        Check("statement", answers.LABELS["statement"], len(a.statement) >= answers.STATEMENT_MIN,
              answers.hint("statement", a.statement) or f"至少 {answers.STATEMENT_MIN} 字。"),
    ]  # fmt: skip
    found += [
        Check(f"document_{kind}", str(kind.label), kind.value in have, "请上传 PDF 或图片。")
        for kind in REQUIRED_DOCUMENTS
    ]
    if outsourced:
        label = str(DocumentKind.SERVICE.label)
        found.append(Check("document_service", label, "service" in have, "有外包条线时需要，封面与签章页即可。"))
    return [Check(c.field, c.label, c.done, "" if c.done else c.hint) for c in found]


def _first(a: Application) -> str:
    return next(line.value for line in ServiceLine if not a.line_modes.get(line.value))


def _present(a: Application, field: str) -> Check:
    value = getattr(a, field)
    return Check(field, answers.LABELS[field], value not in {None, ""}, "未填写。")


def _valid(field: str, value: str, problem: str) -> Check:
    return Check(field, answers.LABELS[field], bool(value) and not problem, problem or "未填写。")
