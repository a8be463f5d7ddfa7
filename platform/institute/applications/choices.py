"""The way of an application, and the words on it."""

from typing import Final

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class ApplicationStatus(TextChoices):
    """草稿 → 完整性审查 → (补正一次) → 已受理 → 评审中 → 待决定 → 入选 / 未入选 / 候补."""

    DRAFT = "draft", _("草稿")
    SUBMITTED = "submitted", _("完整性审查")
    RETURNED = "returned", _("待补正")
    ACCEPTED = "accepted", _("已受理")
    REVIEWING = "reviewing", _("评审中")
    SCORED = "scored", _("待决定")
    WAITLISTED = "waitlisted", _("候补")
    APPROVED = "approved", _("入选")
    REJECTED = "rejected", _("未入选")
    WITHDRAWN = "withdrawn", _("已撤回")


_S = ApplicationStatus
MOVES: Final[dict[ApplicationStatus, frozenset[ApplicationStatus]]] = {
    _S.DRAFT: frozenset({_S.SUBMITTED, _S.WITHDRAWN}),
    _S.SUBMITTED: frozenset({_S.RETURNED, _S.ACCEPTED, _S.REJECTED, _S.WITHDRAWN}),
    _S.RETURNED: frozenset({_S.SUBMITTED, _S.REJECTED, _S.WITHDRAWN}),  # rejected: the day for 补正 has gone by
    _S.ACCEPTED: frozenset({_S.REVIEWING, _S.REJECTED, _S.WITHDRAWN}),
    _S.REVIEWING: frozenset({_S.SCORED, _S.REJECTED, _S.WITHDRAWN}),
    # Back to the reviewers when a conflict comes to light after the last sheet is in.
    _S.SCORED: frozenset({_S.REVIEWING, _S.APPROVED, _S.REJECTED, _S.WAITLISTED, _S.WITHDRAWN}),
    _S.WAITLISTED: frozenset({_S.APPROVED, _S.REJECTED, _S.WITHDRAWN}),
    _S.APPROVED: frozenset(),
    _S.REJECTED: frozenset(),
    _S.WITHDRAWN: frozenset(),
}
EDITABLE: Final = frozenset({_S.DRAFT, _S.RETURNED})
# Between submission and result: one per school.
OPEN: Final = frozenset({_S.SUBMITTED, _S.RETURNED, _S.ACCEPTED, _S.REVIEWING, _S.SCORED, _S.WAITLISTED})
DECIDED: Final = frozenset({_S.APPROVED, _S.REJECTED, _S.WAITLISTED})
CLOSED: Final = frozenset({_S.APPROVED, _S.REJECTED, _S.WITHDRAWN})
# From here on all sheets are in, so the scores may be read.
UNSEALED: Final = frozenset({_S.SCORED, _S.WAITLISTED, _S.APPROVED, _S.REJECTED})

TONES: Final[dict[str, str]] = {
    _S.DRAFT: "muted", _S.SUBMITTED: "warn", _S.RETURNED: "warn", _S.ACCEPTED: "info", _S.REVIEWING: "info",
    _S.SCORED: "warn", _S.WAITLISTED: "info", _S.APPROVED: "ok", _S.REJECTED: "bad", _S.WITHDRAWN: "muted",
}  # fmt: skip


class DocumentKind(TextChoices):
    """What a document is. The first two are demanded."""

    LETTER = "letter", _("盖章申报函")
    LEGAL = "legal", _("法人证书或办学许可证")
    SERVICE = "service", _("物业服务合同或后勤机构设置文件")
    OTHER = "other", _("其他佐证材料")


REQUIRED_DOCUMENTS: Final = (DocumentKind.LETTER, DocumentKind.LEGAL)


class LineMode(TextChoices):
    """How one service line is run here: the library's modes, and 本校不设."""

    OUTSOURCED = "outsourced", _("外包物业")
    SELF_RUN = "self_run", _("自管后勤")
    MIXED = "mixed", _("混合模式")
    NONE = "none", _("本校不设")


class ConflictKind(TextChoices):
    """Why a reviewer stays away (回避)."""

    EMPLOYER = "employer", _("与申报单位或其服务企业为同一单位")
    SCHOOL = "school", _("曾在申报学校任职或就读")
    DECLARED = "declared", _("本人申报回避")


class Ending(TextChoices):
    """Why an assignment ended before its time."""

    CONFLICT = "conflict", _("回避")
    REPLACED = "replaced", _("更换评审专家")


class Verdict(TextChoices):
    """What a reviewer recommends and what the institute decides."""

    APPROVE = "approved", _("入选")
    WAITLIST = "waitlisted", _("候补")
    REJECT = "rejected", _("不入选")


class EnquiryTopic(TextChoices):
    PROGRAMME = "programme", _("项目与申报")
    TRIAL = "trial", _("系统演示与试用")
    PROVIDER = "provider", _("物业企业合作")
    OTHER = "other", _("其他")


class EnquiryStatus(TextChoices):
    """待回复 → 已回复 → 已办结; or closed without an answer."""

    NEW = "new", _("待回复")
    ANSWERED = "answered", _("已回复")
    CLOSED = "closed", _("已关闭")


class KnockKind(TextChoices):
    """What visitors without an account may ask for, counted against flooding."""

    START = "start", _("新建申报")
    LINK = "link", _("发送链接")
    ENQUIRY = "enquiry", _("咨询")
