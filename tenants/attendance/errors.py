"""How attendance says no. Codes are stable; each sentence names the next step."""

from django.utils.translation import gettext_lazy as _

from kernel.errors import Conflict, DomainError, Invalid


class NothingToCorrect(DomainError):
    code = "correction_not_needed"
    message = _("这张卡已有有效记录（%(at)s），不需要补卡。若时间不对，请联系监管人员。")


class CorrectionTimeWrong(Invalid):
    code = "correction_time_wrong"
    message = _("补卡时间须在本班次的%(side)s时段内（%(since)s 至 %(until)s），且不晚于现在，请重新填写。")


class CorrectionTooLate(DomainError):
    code = "correction_too_late"
    message = _("已超过补卡期限（班次当天起 %(days)s 天内），不能再申请。确有特殊情况，请联系监管人员代为申请。")


class CorrectionsUsedUp(DomainError):
    code = "corrections_used_up"
    message = _("%(month)s 月的补卡次数（%(limit)s 次）已用完。确有特殊情况，请联系监管人员代为申请。")


class CorrectionOpen(Conflict):
    code = "correction_open"
    message = _("这张卡已有一条待审批的补卡申请，请等待审批，或先撤回再重新申请。")


class CorrectionClosed(Conflict):
    code = "correction_closed"
    message = _("这条补卡申请已是“%(status)s”，不能再处理，请刷新后查看。")


class OwnCorrection(DomainError):
    code = "own_correction"
    message = _("不能审批自己提出的、或关于自己的补卡申请，请由其他监管人员处理。")


class ReasonMissing(Invalid):
    code = "reason_missing"
    message = _("请写明原因，让对方知道为什么。")


class MonthConfirmed(DomainError):
    code = "month_confirmed"
    message = _("%(month)s 月的考勤已确认，不能再改。确有差错，请联系监管人员，更正会作为调整单列在旁边。")


class MonthNotOver(DomainError):
    code = "month_not_over"
    message = _("%(month)s 月还没有结束，月底之后再确认。")


class MonthPending(DomainError):
    code = "month_pending"
    message = _("%(month)s 月还有 %(n)s 个班次待判定，或有补卡待审批、误伤线索待处理，等有了结果再确认。")


class MonthEmpty(DomainError):
    code = "month_empty"
    message = _("%(month)s 月没有考勤记录，不需要确认。")


class SuspectClosed(Conflict):
    code = "suspect_closed"
    message = _("这条误伤线索已是“%(status)s”，请刷新后查看。")


class FenceMoved(Conflict):
    code = "fence_moved"
    message = _("打卡范围已被改过，与建议时不同。请在“打卡范围”里按现场情况调整后，再处理这条线索。")
