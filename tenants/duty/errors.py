"""How duty says no."""

from django.utils.translation import gettext_lazy as _

from kernel.errors import DomainError


class NotADutyPost(DomainError):
    code = "not_a_duty_post"
    message = _("这个岗位没有设为值班岗，请管理员在“值班岗设置”中启用。")


class AlreadyOn(DomainError):
    code = "already_on_duty"
    message = _("您已经在“%(post)s”上岗，请先在那里下岗。")


class NotOn(DomainError):
    code = "not_on_duty"
    message = _("您现在没有上岗，请先上岗再进行这一步。")


class NotYourParty(DomainError):
    code = "not_your_party"
    message = _("这个岗位不属于您的单位，请选择本单位的岗位。")


class HandoverOpen(DomainError):
    code = "handover_open"
    message = _("还有 %(count)s 件未了事项没有人接收，请先交接给下一班，由对方接收后再下岗。")


class AwayTooLong(DomainError):
    code = "absence_too_long"
    message = _("每次离岗最长 %(minutes)s 分钟，请缩短时间，或联系上级安排顶岗。")


class AlreadyAway(DomainError):
    code = "already_away"
    message = _("您已申报离岗，返岗后才能再次申报。")


class NobodyWanted(DomainError):
    code = "nobody_wanted"
    message = _(
        "现在没有人上岗或排班，合同此时也不要求有人，没有下达查岗。如果应当有人，请先在“排班 → 合同在岗要求”中填写时段。"
    )


class ReliefUnfit(DomainError):
    code = "relief_unfit"
    message = _("%(name)s不能顶岗：%(why)s。请选择其他人。")


class NotAway(DomainError):
    code = "not_away"
    message = _("您没有申报离岗，不需要返岗。")


class CallOver(DomainError):
    code = "call_over"
    message = _("这次查岗已经有了结果，不需要再应答。")


class CallNotOut(DomainError):
    code = "call_not_out"
    message = _("这次查岗还没有发出，请等待手机提示。")


class ChallengeStale(DomainError):
    code = "challenge_stale"
    message = _("动作提示已过期，请按新的提示重新拍照。")


class PhotoMissing(DomainError):
    code = "photo_missing"
    message = _("请按提示的动作或口令拍一张现场照片。")


class VoiceUnknown(DomainError):
    code = "voice_unknown"
    message = _("录音没有找到，或不是刚才录的，请重新念一遍口令再提交。")


class PhotoReused(DomainError):
    code = "photo_reused"
    message = _("这张照片不是刚刚拍的，请按提示的动作重新拍一张。")


class VoiceUsed(DomainError):
    code = "voice_used"
    message = _("这段录音已经用在 %(number)s 里，一段录音只能说明一件事，请重新录一段。")


class PhotoUnknown(DomainError):
    code = "photo_unknown"
    message = _("有照片或录音没有找到，请重新上传后再提交。")


class CodeMissing(DomainError):
    code = "code_missing"
    message = _("请扫岗位上的二维码，证明您在岗位上。")


class NotNight(DomainError):
    code = "not_a_night_call"
    message = _("只有夜间查岗才能认定睡岗。")


class NotDecided(DomainError):
    code = "call_not_decided"
    message = _("这次查岗还没有结果，请等结束后再认定。")


class ReasonMissing(DomainError):
    code = "reason_missing"
    message = _("请写明原因，让对方知道下一步怎么做。")


class NotHolder(DomainError):
    code = "not_holder"
    message = _("这件事不在您手上，请由当前负责人处理。")


class OwnerNotThere(DomainError):
    code = "owner_not_on_duty"
    message = _("负责人必须正在这个岗位上岗，请重新选择；不选就由您自己负责。")


class AnomalyClosed(DomainError):
    code = "anomaly_closed"
    message = _("这件事已经处理完，请刷新后查看。")


class ReceiverUnfit(DomainError):
    code = "receiver_unfit"
    message = _("接收人必须是本岗位正在上岗或即将接班的其他同事，请重新选择。")


class NothingToHand(DomainError):
    code = "nothing_to_hand_over"
    message = _("您手上没有未了事项，可以直接下岗。")


class AlreadyAnswered(DomainError):
    code = "item_already_answered"
    message = _("这件事已经由“%(who)s”处理，请刷新后查看。")


class BadSignature(DomainError):
    code = "bad_signature"
    message = _("签名或时间不对，消息没有接收，请检查视频系统的密钥和时钟。")


class AlreadyJudged(DomainError):
    code = "already_judged"
    message = _("这条告警已由“%(who)s”认定，请刷新后查看。")


class CallRinging(DomainError):
    code = "call_ringing"
    message = _("正在查岗，请先应答再下岗。")
