"""ID-card and phone numbers of people: checked, sealed, masked, found by blind index."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from typing import Any

from kernel.crypto import blind_index, mask_id_card, mask_phone, seal, unseal

PHONE = "staff.phone"
ID_CARD = "staff.id_card"
_NOT_DIGITS = re.compile(r"[\s\-‐-―()]+")


class BadPhone(ValueError):
    """Not a Chinese mobile or fixed number."""


class BadIdCard(ValueError):
    """Not an ID-card number of GB 11643: `args[0]` says why, in Chinese."""


def clean_phone(text: str) -> str:
    """Return 13812345678 (mobile) or 02087654321 (fixed, with area code). Raises BadPhone.

    Full-width digits, blanks, dashes and +86 are accepted. Numbers are checked against the
    numbering plan of China by libphonenumber.
    """
    import phonenumbers

    text = _NOT_DIGITS.sub("", unicodedata.normalize("NFKC", text))
    if text.endswith(".0"):  # a number cell that Excel turned into a float
        text = text[:-2]
    try:
        number = phonenumbers.parse(text, "CN")
    except phonenumbers.NumberParseException as wrong:
        raise BadPhone("不是有效的电话号码") from wrong
    if number.country_code != 86 or not phonenumbers.is_valid_number(number):
        raise BadPhone("不是有效的中国大陆手机号或带区号的固定电话")
    national = str(number.national_number)
    mobile = phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.MOBILE
    return national if mobile else f"0{national}"


def clean_id_card(text: str) -> str:
    """Return the 18 characters, X in upper case. Raises BadIdCard. Checked by GB 11643: length, birth date, digit."""
    from stdnum.cn import ric
    from stdnum.exceptions import InvalidChecksum, InvalidComponent, InvalidLength, ValidationError

    text = re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).upper().lstrip("'")
    if re.fullmatch(r"\d(\.\d+)?E\+?\d+", text):
        raise BadIdCard("已被表格软件改成科学计数法，末几位丢失：请把该列设为文本格式后重新填写")
    if len(text) == 15:
        raise BadIdCard("是 15 位旧号码，请填写 18 位号码")
    try:
        return str(ric.validate(text))
    except InvalidLength as wrong:
        raise BadIdCard("应为 18 位") from wrong
    except InvalidChecksum as wrong:
        raise BadIdCard("校验位不符，请核对是否抄错") from wrong
    except InvalidComponent as wrong:
        raise BadIdCard("其中的地区或出生日期不存在，请核对是否抄错") from wrong
    except ValidationError as wrong:
        raise BadIdCard("只能由 17 位数字加一位数字或 X 组成") from wrong


def sealed_phone(phone: str, *, schema: str) -> dict[str, Any]:
    """The three columns of a clean phone number ("" clears them)."""
    if not phone:
        return {"phone_sealed": None, "phone_masked": "", "phone_index": ""}
    return {
        "phone_sealed": seal(phone, schema=schema, context=PHONE),
        "phone_masked": mask_phone(phone),
        "phone_index": blind_index(phone, schema=schema, context=PHONE),
    }


def sealed_id_card(number: str, *, schema: str) -> dict[str, Any]:
    """The three columns of a clean ID-card number ("" clears them)."""
    if not number:
        return {"id_card_sealed": None, "id_card_masked": "", "id_card_index": None}
    return {
        "id_card_sealed": seal(number, schema=schema, context=ID_CARD),
        "id_card_masked": mask_id_card(number),
        "id_card_index": blind_index(number, schema=schema, context=ID_CARD),
    }


def birth_date(id_card_sealed: bytes | memoryview | None, *, schema: str) -> date | None:
    """The day of birth in a sealed ID-card number, for rules about age alone; None when none is registered."""
    if not id_card_sealed:
        return None
    digits = unseal(id_card_sealed, schema=schema, context=ID_CARD)[6:14]
    return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
