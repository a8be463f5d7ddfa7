"""How findings say no. Codes are stable."""

from django.utils.translation import gettext_lazy as _

from kernel.errors import DomainError


class PartyMissing(DomainError):
    code = "party_missing"
    message = _("这条服务条线还没有指定责任单位，请选择责任单位，或请管理员在“服务条线”中设置。")


class PhotoMissing(DomainError):
    code = "photo_missing"
    message = _("请至少上传一张整改后的照片，复查时要与整改前对照。")


class PhotoUnknown(DomainError):
    code = "photo_unknown"
    message = _("有照片没有找到，请重新上传后再提交。")


class SamePhoto(DomainError):
    code = "same_photo"
    message = _("整改后的照片与发现问题时的照片是同一张，请到现场重新拍摄。")


class PhotoOfAnother(DomainError):
    code = "photo_of_another"
    message = _("有照片已用在另一个问题上，请到现场为这个问题重新拍摄。")


class TooManyPhotos(DomainError):
    code = "too_many_photos"
    message = _("一次最多 9 张照片，请减少后再提交。")


class WrongMove(DomainError):
    code = "finding_wrong_move"
    message = _("该问题当前是“%(status)s”，不能进行这一步，请刷新后查看最新状态。")


class FixerNeverCloses(DomainError):
    code = "fixer_never_closes"
    message = _("参与整改的人和单位不能复查自己的整改，请由发现人或指定的复查人处理。")


class ReasonMissing(DomainError):
    code = "reason_missing"
    message = _("请写明原因，让对方知道差在哪里、下一步怎么做。")


class DeadlinePast(DomainError):
    code = "deadline_past"
    message = _("整改期限必须晚于现在，请重新选择。")


class DeadlineFar(DomainError):
    code = "deadline_far"
    message = _("整改期限最远只能到两年后，请重新选择。")


class VerifierUnfit(DomainError):
    code = "verifier_unfit"
    message = _("复查人必须是本校的监管人员、分管领导或管理员，并且没有参与整改。")


class RootCauseMissing(DomainError):
    code = "root_cause_missing"
    message = _("这是复发的问题，请先写明根本原因（至少 10 个字）：为什么又出现，再提交整改。")


class ConsequenceMissing(DomainError):
    code = "consequence_missing"
    message = _("复发、严重或一票否决的问题销号时必须写明改进：修改了哪份评分标准或计划，或者为什么不需修改。")


class RubricUnchanged(DomainError):
    code = "rubric_unchanged"
    message = _("没有找到这份评分标准的这一修订版，请选择问题发现之后修订过的评分标准。")


class PlanUnchanged(DomainError):
    code = "plan_unchanged"
    message = _("没有找到这项修改，请选择问题发现之后与该地点或责任单位有关的计划、排班、路线、标准或检查表的修改。")


class OwnerUnfit(DomainError):
    code = "owner_unfit"
    message = _("整改负责人必须是责任单位的在职员工，请重新选择。")


class ExtensionWaits(DomainError):
    code = "extension_waits"
    message = _("已有一份延期申请在等答复，请等监管人员答复后再申请。")


class ExtensionAnswered(DomainError):
    code = "extension_answered"
    message = _("这份延期申请已经答复过，请刷新后查看结果。")


class ExtensionTooShort(DomainError):
    code = "extension_not_later"
    message = _("延期后的期限必须晚于现在的期限，也晚于此刻，请重新选择。")


class ExtensionTooLate(DomainError):
    code = "extension_too_late"
    message = _("整改期限已过，不能再申请延期。请尽快提交整改，并在说明里写明晚的原因。")


class ExtensionsUsedUp(DomainError):
    code = "extensions_used_up"
    message = _("这个问题已延期 %(times)s 次，达到学校规定的上限。请按现在的期限提交整改。")


class ExtensionBeyondAsked(DomainError):
    code = "extension_beyond_asked"
    message = _("责任单位只申请延到 %(wanted)s，同意的期限不能更晚；需要更晚时请用“调整期限”并写明原因。")


class ExtensionTooFar(DomainError):
    code = "extension_too_far"
    message = _("按学校规定，最晚只能延到 %(latest)s（最初期限后 %(days)s 天），请改选更早的时间。")
