"""How the organisation says no. Codes are stable."""

from django.utils.translation import gettext_lazy as _

from kernel.errors import Conflict, DomainError, Invalid


class WrongKindHere(DomainError):
    code = "place_kind_wrong_here"
    message = _("%(kind)s不能放在%(parent)s下面。请选择合适的上级：校区 → 楼栋 → 楼层 → 区域 → 点位。")


class PlaceNameTaken(Conflict):
    code = "place_name_taken"
    message = _("「%(parent)s」下已有名为「%(name)s」的场所，请换一个名称；若它已停用，可以重新启用。")


class PlaceCodeTaken(Conflict):
    code = "place_code_taken"
    message = _("编码 %(code)s 已被「%(place)s」使用，请换一个或留空由系统生成。")


class PlaceCodeWrong(Invalid):
    code = "place_code_wrong"
    message = _("编码只能用大写字母、数字和短横线，2—24 位。可以留空，由系统生成。")


class PlaceTooDeep(DomainError):
    code = "place_too_deep"
    message = _("层级太深或全称太长（全称最多 200 字，最多 10 级），请缩短名称或减少层级。")


class PlaceUnderItself(DomainError):
    code = "place_under_itself"
    message = _("不能把场所移动到它自己或它的下级里面，请选择别的上级。")


class ParentClosed(DomainError):
    code = "place_parent_closed"
    message = _("上级「%(parent)s」已停用，请先启用上级。")


class TooManyFloors(Invalid):
    code = "too_many_floors"
    message = _("楼层从 -5 到 60，一次最多 60 层，请检查起止楼层。")


class PartyNameTaken(Conflict):
    code = "party_name_taken"
    message = _("已有名为「%(name)s」的%(kind)s，请换一个名称。")


class ContractNumberTaken(Conflict):
    code = "contract_number_taken"
    message = _("合同编号 %(number)s 已登记，请核对编号。")


class PeriodBackwards(Invalid):
    code = "period_backwards"
    message = _("结束日期早于开始日期，请修改。")


class NoLine(Invalid):
    code = "no_line"
    message = _("请至少选择一个服务条线。")


class PartyHasStaff(DomainError):
    code = "party_has_staff"
    message = _("「%(name)s」还有 %(count)d 名在职员工，请先办理离职或调到别的单位，再停用。")


class PartyClosed(DomainError):
    code = "party_closed"
    message = _("「%(name)s」已停用，不能再选用。请先启用或选择别的单位。")


class LineNeedsParty(Invalid):
    code = "line_party_unfit"
    message = _("运营方式为「%(mode)s」时，责任单位应是%(kind)s，请重新选择。")


class PostNameTaken(Conflict):
    code = "post_name_taken"
    message = _("「%(party)s」已有名为「%(name)s」的岗位，请换一个名称或直接修改那个岗位。")


class PostHasStaff(DomainError):
    code = "post_has_staff"
    message = _("岗位「%(name)s」上还有 %(count)d 人，请先给他们换岗，再停用岗位。")


class PostElsewhere(Invalid):
    code = "post_of_other_party"
    message = _("岗位「%(post)s」不属于「%(party)s」，请选择该单位自己的岗位。")


class StaffNumberTaken(Conflict):
    code = "staff_number_taken"
    message = _("工号 %(number)s 已是「%(name)s」的工号，请核对。")


class IdCardTaken(Conflict):
    code = "id_card_taken"
    message = _(
        "该身份证号已登记在工号 %(number)s「%(name)s」名下，请核对是否同一人。同一人在两个单位任职的，第二份档案不填身份证号，保存后在员工页面关联原来的登录账号。"
    )


class LoginNotShared(Invalid):
    code = "login_not_shared"
    message = _("工号 %(number)s %(why)s")


class PhoneWrong(Invalid):
    code = "phone_wrong"
    message = _("电话%(reason)s。")


class IdCardWrong(Invalid):
    code = "id_card_wrong"
    message = _("身份证号%(reason)s。")


class StaffGone(DomainError):
    code = "staff_left"
    message = _("「%(name)s」已离职，不能再做此操作。若重新入职，请先办理返岗。")


class LeftBeforeHired(Invalid):
    code = "left_before_hired"
    message = _("离职日期早于入职日期，请修改。")


class AlreadyForgotten(DomainError):
    code = "staff_forgotten"
    message = _("此人的个人信息已按规定删除，不能恢复。如重新入职，请新建员工。")


class ForgetTooEarly(DomainError):
    code = "staff_still_here"
    message = _("在职员工的个人信息不能删除，请先办理离职。")


class CertificateTaken(Conflict):
    code = "certificate_taken"
    message = _("该编号的%(kind)s已登记在「%(name)s」名下，请核对编号。")


class ScanUnknown(Invalid):
    code = "certificate_scan_unknown"
    message = _("没有找到上传的扫描件，请重新选择文件上传。")


class CertificateDates(Invalid):
    code = "certificate_dates"
    message = _("有效期和复审日期都应晚于发证日期，请修改。")


class Nothing(Invalid):
    code = "nothing_to_show"
    message = _("没有登记这项信息。")
