"""How rosters say no. Codes are stable; sentences name the person, the day and the next step."""

from django.utils.translation import gettext_lazy as _

from kernel.errors import Conflict, DomainError, Invalid


class ShiftsOverlap(DomainError):
    code = "shifts_overlap"
    message = _("%(name)s 的「%(first)s」与「%(second)s」时间重叠（%(when)s），一个人不能同时上两个班，请改其中一个。")


class CellChanged(Conflict):
    code = "roster_cell_changed"
    message = _("%(name)s %(day)s 的排班刚被别人改过，已显示最新的，请核对后再改。")


class MonthFrozen(DomainError):
    code = "month_frozen"
    message = _("%(name)s %(day)s 所在月份的考勤已确认，排班不能再改；确需更正请走考勤调整。")


class ShiftBegun(DomainError):
    code = "shift_begun"
    message = _("%(name)s %(day)s 的班次已经开始，单位不能再改；确需更正请联系学校监管人员。")


class LeaveOfSchool(DomainError):
    code = "leave_of_school"
    message = _("%(why)s，这份申请要由学校监管人员审批，请联系他们处理。")


class LeaveUsed(Conflict):
    code = "leave_used"
    message = _("这份请假所覆盖的班次都已开始，不能再撤回；有差错请联系学校监管人员。")


class NotEmployed(DomainError):
    code = "not_employed"
    message = _("%(name)s %(day)s 不在职（%(why)s），不能排班。")


class DayOutside(Invalid):
    code = "roster_day_outside"
    message = _("日期应在 2000 年到 2099 年之间，请检查年份。")


class PlaceGone(Invalid):
    code = "roster_place_gone"
    message = _("选的地点已不存在，请刷新页面后重选地点。")


class PostOfOthers(DomainError):
    code = "post_of_others"
    message = _("岗位「%(post)s」不属于 %(name)s 所在的单位，请选本单位的岗位。")


class CertificateLacking(DomainError):
    code = "certificate_lacking"
    message = _("%(name)s %(day)s 没有有效的%(kinds)s，不能上「%(post)s」。请先登记或换人。")


class ShiftUnknown(Invalid):
    code = "shift_unknown"
    message = _("没有简称或名称为「%(code)s」的班次，请在班次设置中核对。")


class PostMissing(Invalid):
    code = "post_missing"
    message = _("%(name)s 没有所属岗位，请为这一格选择岗位。")


class SegmentsWrong(Invalid):
    code = "segments_wrong"
    message = _("每个时段的结束要晚于开始，最晚到次日 24:00；时段之间不能重叠。")


class ShiftInUse(DomainError):
    code = "shift_in_use"
    message = _("「%(name)s」已用于 %(count)d 个今后的排班，时段不能直接改。请新建一个班次，或先改掉这些排班。")


class ShiftInCycle(DomainError):
    code = "shift_in_cycle"
    message = _("「%(name)s」还在循环%(cycles)s里，停用后这些天会没有人。请先把循环改成别的班次或停用循环。")


class RuleInPast(Invalid):
    code = "rule_in_past"
    message = _("规则只能从今天或以后生效，已经过去的日子按当时的规则。")


class RuleTaken(Conflict):
    code = "rule_taken"
    message = _("这一天已有一个生效的版本，请换一个生效日期。")


class ThresholdsFall(Invalid):
    code = "thresholds_fall"
    message = _("迟到宽限、严重迟到、旷工半日、旷工一日的分钟数要一个比一个大。")


class PatternWrong(Invalid):
    code = "pattern_wrong"
    message = _("循环长度应为 1—56 天，每天选一个在用的班次或休息。")


class PatternClash(DomainError):
    code = "pattern_clash"
    message = _("%(name)s 在这段时间已有循环「%(pattern)s」，请先结束它。")


class LeaveOverlaps(DomainError):
    code = "leave_overlaps"
    message = _("%(name)s 这段时间已有一份请假（%(when)s），请核对时间。")


class LeaveWrong(Invalid):
    code = "leave_wrong"
    message = _("请假的结束要晚于开始，一次最长 190 天。")


class RequestClosed(Conflict):
    code = "request_closed"
    message = _("这份申请已是「%(status)s」，不能再处理。")


class OwnRequest(DomainError):
    code = "own_request"
    message = _("不能审批自己提出的申请，请由上级处理。")


class SwapUnfit(DomainError):
    code = "swap_unfit"
    message = _("不能这样换班：%(why)s")


class CoverageWrong(Invalid):
    code = "coverage_wrong"
    message = _("请填写至少一个星期几、至少 1 人，结束时间晚于开始时间（最晚次日 24:00）。")
