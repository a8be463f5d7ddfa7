"""Registering and correcting property companies, and noting where they work."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _
from stdnum.cn import uscc
from stdnum.exceptions import InvalidChecksum, InvalidLength, ValidationError

from identity.contracts import Actor
from institute.journal import operations as journal
from institute.providers import policies
from institute.providers.contracts import ProviderRef
from institute.providers.models import Provider, Service
from institute.providers.queries import as_ref
from kernel.errors import Conflict, Invalid, NotAllowed, NotFound


class CreditCodeWrong(Invalid):
    """GB 32100-2015: 18 characters, the last a check character."""

    code = "credit_code_wrong"
    message = _("统一社会信用代码%(reason)s。请对照营业执照核对。")


class CreditCodeTaken(Conflict):
    code = "credit_code_taken"
    message = _("这个统一社会信用代码已登记给「%(name)s」。请对照营业执照核对；确属重复登记的，请保留其中一家。")


def clean_credit_code(text: str) -> str:
    """The 18 characters in capitals. Raises CreditCodeWrong, with the reason."""
    try:
        return str(uscc.validate("".join(text.split()).upper()))
    except InvalidLength as wrong:
        raise CreditCodeWrong(field="credit_code", reason="应为 18 位") from wrong
    except InvalidChecksum as wrong:
        raise CreditCodeWrong(field="credit_code", reason="校验位不符") from wrong
    except ValidationError as wrong:
        raise CreditCodeWrong(field="credit_code", reason="含有不允许的字符") from wrong


def _clean_name(text: str, *, field: str) -> str:
    name = " ".join(text.split())
    if not name or len(name) > 120:
        raise Invalid("请填写企业名称（与营业执照一致），最多 120 字。", field=field)
    return name


@transaction.atomic
def ensure_provider(*, credit_code: str, name: str, by: Actor) -> ProviderRef:
    """Find the company of a credit code, or register it under `name`.

    A company already known keeps its registered name: one school's spelling does not rename it for others.
    Safe when two schools register the same company at once. Raises NotAllowed, CreditCodeWrong, Invalid.
    """
    if not policies.can_register(by):
        raise NotAllowed
    code = clean_credit_code(credit_code)
    name = _clean_name(name, field="provider_name")
    row, made = Provider.objects.get_or_create(credit_code=code, defaults={"name": name})
    if made:
        journal.record(verb="provider.registered", sentence=f"登记物业企业「{name}」（{code}）", subject=row, by=by)
    return as_ref(row, made=made)


@transaction.atomic
def correct_provider(*, provider_id: UUID, name: str, credit_code: str | None = None, by: Actor) -> ProviderRef:
    """Correct a company's registered name and, if given, its credit code: both as on the business licence.

    Every school sees the corrected values at once; its contracts stay with the company. Nothing is changed and
    noted when both are right already. Locks the company. Raises NotAllowed, NotFound, Invalid, CreditCodeWrong,
    CreditCodeTaken.
    """
    if not policies.can_correct(by):
        raise NotAllowed
    row = Provider.objects.select_for_update().filter(pk=provider_id).first()
    if row is None:
        raise NotFound
    name = _clean_name(name, field="name")
    code = row.credit_code if credit_code is None else clean_credit_code(credit_code)
    owner = Provider.objects.filter(credit_code=code).exclude(pk=row.pk).first()
    if owner is not None:
        raise CreditCodeTaken(field="credit_code", name=owner.name)
    old = {"name": row.name, "credit_code": row.credit_code}
    changes = []
    if name != row.name:
        changes.append(f"名称由「{row.name}」更正为「{name}」")
    if code != row.credit_code:
        changes.append(f"信用代码由 {row.credit_code} 更正为 {code}")
    if not changes:
        return as_ref(row)
    row.name, row.credit_code = name, code
    row.save(update_fields=["name", "credit_code"])
    sentence = f"物业企业「{old['name']}」：{'，'.join(changes)}"
    journal.record(verb="provider.corrected", sentence=sentence, subject=row, by=by, old=old)
    return as_ref(row)


@transaction.atomic
def note_services(*, school_id: UUID, contracts: Mapping[UUID, int], now: datetime) -> None:
    """Note which companies have how many contracts running in a school, in place of what was noted before.

    Called by the platform with what the school's own tables say. Safe to run twice and at once.
    """
    Service.objects.filter(school_id=school_id).exclude(provider_id__in=contracts).delete()
    known = Provider.objects.filter(pk__in=contracts).values_list("pk", flat=True)
    Service.objects.bulk_create(
        [Service(provider_id=pk, school_id=school_id, contracts=contracts[pk], noted_at=now) for pk in sorted(known)],
        update_conflicts=True, unique_fields=["provider", "school_id"], update_fields=["contracts", "noted_at"],
    )  # fmt: skip
