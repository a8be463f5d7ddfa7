"""What a school may answer, field by field. Drafts are saved as typed; only what no column could hold is refused."""

import re
import unicodedata
from collections.abc import Callable
from typing import Any, Final

import phonenumbers
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext_lazy as _
from stdnum.cn import uscc
from stdnum.exceptions import InvalidChecksum
from stdnum.exceptions import ValidationError as StdnumError

from institute.applications.choices import LineMode
from institute.schools.choices import SchoolKind
from kernel.errors import Invalid
from standards_library.choices import ServiceLine
from standards_library.regions import PROVINCES

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
MAX_NUMBER: Final = 1_000_000

LABELS: Final[dict[str, str]] = {
    "name": "学校名称", "school_code": "学校代码", "credit_code": "统一社会信用代码", "kind": "类型与层次",
    "region": "所在省份", "city": "所在城市", "students": "在校生人数", "staff_count": "教职工人数",
    "campuses": "校区数", "provider_names": "现有物业服务企业", "statement": "申报说明",
    "contact_name": "联系人姓名", "contact_duty": "职务", "contact_phone": "联系电话", "contact_email": "邮箱",
    **{f"line_{line.value}": f"{line.label}的运营方式" for line in ServiceLine},
}  # fmt: skip
STATEMENT_MIN: Final = 50


class UnknownAnswer(Invalid):
    code = "unknown_answer"
    message = _("没有“%(name)s”这一项，请刷新页面后重试。")


def _text(limit: int, *, lines: bool = False) -> Callable[[str, str], str]:
    def parse(field: str, raw: str) -> str:
        text = _CONTROL.sub("", unicodedata.normalize("NFC", raw)).strip()
        if not lines:
            text = " ".join(text.split())
        if len(text) > limit:
            raise Invalid(
                _("“%(label)s”最多 %(limit)s 个字，现有 %(now)s 个。"),
                field=field, label=LABELS[field], limit=limit, now=len(text),
            )  # fmt: skip
        return text

    return parse


def _code(limit: int) -> Callable[[str, str], str]:
    """Codes are read from paper or pasted: full-width digits and blanks are put right, letters are raised."""

    def parse(field: str, raw: str) -> str:
        text = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", raw)).upper()
        if len(text) > limit or not re.fullmatch(r"[0-9A-Z]*", text):
            raise Invalid(
                _("“%(label)s”只含数字和大写字母，最多 %(limit)s 位。"), field=field, label=LABELS[field], limit=limit
            )
        return text

    return parse


def _number(low: int, high: int) -> Callable[[str, str], int | None]:
    def parse(field: str, raw: str) -> int | None:
        text = re.sub(r"[\s,，人个]", "", unicodedata.normalize("NFKC", raw))
        if not text:
            return None
        if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise Invalid(
                _("“%(label)s”请填 %(low)s 至 %(high)s 之间的整数。"),
                field=field, label=LABELS[field], low=low, high=high,
            )  # fmt: skip
        return int(text)

    return parse


def _one_of(allowed: frozenset[str]) -> Callable[[str, str], str]:
    def parse(field: str, raw: str) -> str:
        if raw and raw not in allowed:
            raise Invalid(_("“%(label)s”请从列表中选择。"), field=field, label=LABELS[field])
        return raw

    return parse


def _phone(field: str, raw: str) -> str:
    text = _text(30)(field, unicodedata.normalize("NFKC", raw))
    number = _phone_number(text)
    return national(number) if number else text


PARSERS: Final[dict[str, Callable[[str, str], Any]]] = {
    "name": _text(100), "school_code": _code(10), "credit_code": _code(18),
    "kind": _one_of(frozenset(SchoolKind.values)), "region": _one_of(frozenset(PROVINCES)), "city": _text(40),
    "students": _number(0, MAX_NUMBER), "staff_count": _number(0, MAX_NUMBER), "campuses": _number(1, 200),
    "provider_names": _text(300), "statement": _text(3000, lines=True),
    "contact_name": _text(60), "contact_duty": _text(60), "contact_phone": _phone, "contact_email": _text(254),
    **{f"line_{line}": _one_of(frozenset(LineMode.values)) for line in ServiceLine.values},
}  # fmt: skip


def parse(field: str, raw: object) -> Any:
    """The value to keep for `field`. Raises UnknownAnswer, and Invalid where the column cannot hold it."""
    if field not in PARSERS:
        raise UnknownAnswer(name=field)
    return PARSERS[field](field, "" if raw is None else str(raw))


def _phone_number(text: str) -> phonenumbers.PhoneNumber | None:
    try:
        number = phonenumbers.parse(text, "CN")
    except phonenumbers.NumberParseException:
        return None
    return number if phonenumbers.is_valid_number(number) else None


def national(number: phonenumbers.PhoneNumber) -> str:
    """As people in China write it: 13800000000, 020-8888 8888; foreign numbers with +."""
    if number.country_code != 86:
        return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)).replace(" ", "")


def phone_problem(text: str) -> str:
    """Why `text` is no telephone number that can be dialled, or nothing."""
    return "" if _phone_number(text) else "电话号码不正确：手机填 11 位，座机请带区号。"


def email_problem(text: str) -> str:
    """Why `text` is no mail address, or nothing."""
    try:
        validate_email(text)
    except ValidationError:
        return "邮箱地址不正确，例如 name@school.edu.cn。"
    return ""


def school_code_problem(code: str) -> str:
    """Five digits (高等学校代码) or ten digits (学校（机构）标识码)."""
    return "" if re.fullmatch(r"[0-9]{5}|[0-9]{10}", code) else "学校代码为 5 位院校代码，或 10 位学校（机构）标识码。"


def credit_code_problem(code: str) -> str:
    """GB 32100-2015: 18 characters of a restricted alphabet, the last one a check digit over the others."""
    try:
        uscc.validate(code)
    except InvalidChecksum:
        return "统一社会信用代码的校验位不正确，请核对是否有错位或抄错。"
    except StdnumError:
        return "统一社会信用代码应为 18 位数字和大写字母（不含 I、O、S、V、Z）。"
    return ""


def hint(field: str, value: Any) -> str:
    """What to say beside a saved field that would not pass yet."""
    checks = {
        "school_code": school_code_problem, "credit_code": credit_code_problem,
        "contact_phone": phone_problem, "contact_email": email_problem,
    }  # fmt: skip
    if value and field in checks:
        return checks[field](value)
    if field == "statement" and value and len(value) < STATEMENT_MIN:
        return f"至少 {STATEMENT_MIN} 字，现有 {len(value)} 字。"
    return ""
