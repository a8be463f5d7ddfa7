"""Registering property companies."""

from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _
from stdnum.cn import uscc
from stdnum.exceptions import InvalidChecksum, InvalidLength, ValidationError

from identity.contracts import Actor
from institute.journal import operations as journal
from institute.providers import policies
from institute.providers.contracts import ProviderRef
from institute.providers.models import Provider
from institute.providers.queries import as_ref
from kernel.errors import Invalid, NotAllowed, NotFound


class CreditCodeWrong(Invalid):
    """GB 32100-2015: 18 characters, the last a check character."""

    code = "credit_code_wrong"
    message = _("统一社会信用代码%(reason)s。请对照营业执照核对。")


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


@transaction.atomic
def ensure_provider(*, credit_code: str, name: str, by: Actor) -> ProviderRef:
    """Find the company of a credit code, or register it under `name`.

    A company already known keeps its registered name: one school's spelling does not rename it for others.
    Safe when two schools register the same company at once. Raises NotAllowed, CreditCodeWrong, Invalid.
    """
    if not policies.can_register(by):
        raise NotAllowed
    code = clean_credit_code(credit_code)
    name = " ".join(name.split())
    if not name or len(name) > 120:
        raise Invalid("请填写企业名称（与营业执照一致），最多 120 字。", field="provider_name")
    row, made = Provider.objects.get_or_create(credit_code=code, defaults={"name": name})
    if made:
        journal.record(verb="provider.registered", sentence=f"登记物业企业「{name}」（{code}）", subject=row, by=by)
    return as_ref(row, made=made)


@transaction.atomic
def rename_provider(*, provider_id: UUID, name: str, by: Actor) -> ProviderRef:
    """Correct a company's registered name. Locks it. Raises NotAllowed, NotFound, Invalid."""
    if not policies.can_rename(by):
        raise NotAllowed
    name = " ".join(name.split())
    if not name or len(name) > 120:
        raise Invalid("请填写企业名称（与营业执照一致），最多 120 字。", field="name")
    row = Provider.objects.select_for_update().filter(pk=provider_id).first()
    if row is None:
        raise NotFound
    old, row.name = row.name, name
    row.save(update_fields=["name"])
    journal.record(verb="provider.renamed", sentence=f"物业企业「{old}」更名为「{name}」", subject=row, by=by, old=old)
    return as_ref(row)
