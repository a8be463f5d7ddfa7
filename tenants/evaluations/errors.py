"""Why an evaluation round refuses."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from kernel.errors import DomainError


class RoundClosed(DomainError):
    code = "round_closed"
    message = _("本期考核已定稿，不能再修改。如有异议，请新建专项考核。")


class RoundNotOpen(DomainError):
    code = "round_not_open"
    message = _("本期考核还没有开始打分，请先点“开始打分”。")


class RoundAlreadyOpen(DomainError):
    code = "round_already_open"
    message = _("本期考核已开始打分，评分单位和片区不能再改。")


class RoundExists(DomainError):
    code = "round_exists"
    message = _("这一周期、这一被考核方的同名考核已经建过，请直接打开它。")


class WeightsOff(DomainError):
    code = "weights_not_100"
    message = _("各评分单位的权重合计应为 100%%，现在是 %(sum)s%%，请调整后再试。")


class AreasOff(DomainError):
    code = "area_weights_not_100"
    message = _("各片区的权重合计应为 100%%，现在是 %(sum)s%%，请调整后再试。")


class Incomplete(DomainError):
    code = "round_incomplete"
    message = _("还有 %(count)s 项没有打分：%(missing)s。请等全部提交，或由管理员注明该单位不参与的原因。")


class NothingApplicable(DomainError):
    code = "nothing_applicable"
    message = _("评分表的所有检查内容都标为不适用，没有可计算的分数。请核对不适用项。")


class NotComputed(DomainError):
    code = "round_not_computed"
    message = _("请先计算得分，再定稿。")


class RoundNotOver(DomainError):
    code = "round_not_over"
    message = _("本期考核到%(day)s结束，最后一天起才能定稿：之前发现的问题都要计入。")


class Changed(DomainError):
    code = "round_changed"
    message = _("计算得分之后，打分内容有变化。请重新计算，核对后再定稿。")


class WrongMode(DomainError):
    code = "source_mode"
    message = _("该评分单位的打分方式不同，请刷新页面后再试。")
