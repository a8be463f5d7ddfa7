"""How the domain says no: one exception per reason, with a stable code and a Chinese sentence."""

from typing import Any, ClassVar

from django.db import IntegrityError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class DomainError(Exception):
    """A refusal a person can act on.

    `code` is stable for ever: GraphQL, JSON endpoints and tests name it. `message` is Chinese,
    says what happened and what to do next; `%(name)s` placeholders are filled from `details`.
    `field` names the input at fault, where there is one.
    """

    code: ClassVar[str] = "refused"
    message: ClassVar[str | Promise] = _("操作未完成，请检查后重试。")

    def __init__(self, sentence: str | Promise | None = None, *, field: str | None = None, **details: Any) -> None:
        self.field = field
        self.details = details
        self._sentence = sentence
        super().__init__(self.code)

    @property
    def sentence(self) -> str:
        """The message in Chinese, filled with the details."""
        text = str(self._sentence if self._sentence is not None else self.message)
        return text % self.details if self.details else text

    def __str__(self) -> str:
        return f"{self.code}: {self.sentence}"


class NotAllowed(DomainError):
    code = "not_allowed"
    message = _("您没有进行此操作的权限。如需开通，请联系本单位管理员。")


class NotFound(DomainError):
    code = "not_found"
    message = _("没有找到对应的记录，它可能已被删除，或不属于当前学校。")


class Invalid(DomainError):
    """The shape of the input is wrong; `field` says where."""

    code = "invalid"
    message = _("填写的内容有误，请修改后再提交。")


class Conflict(DomainError):
    """Somebody else was faster, or the record is in another state by now."""

    code = "conflict"
    message = _("这条记录刚刚被其他人更新，请刷新后再试。")


class AlreadyThere(Conflict):
    """Two did the same at the same moment, and the database kept one of them."""

    code = "already_there"
    message = _("同样的内容刚刚已经保存（可能是别人，也可能是重复点击），没有再保存一份。请刷新页面查看。")


UNIQUE_VIOLATION = "23505"


def refusal_of(exception: BaseException) -> DomainError | None:
    """The refusal a door should tell for an exception: itself, or AlreadyThere for a race that the database decided."""
    if isinstance(exception, DomainError):
        return exception
    if isinstance(exception, IntegrityError) and getattr(exception.__cause__, "sqlstate", "") == UNIQUE_VIOLATION:
        return AlreadyThere()
    return None
