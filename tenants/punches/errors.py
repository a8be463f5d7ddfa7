"""How punching says no. What concerns one punch is no error but a refused punch with its reason (see `sentences`)."""

from django.utils.translation import gettext_lazy as _

from kernel.errors import Conflict, DomainError


class NotStaff(DomainError):
    code = "punch_not_staff"
    message = _("您的账号还没有对应到员工名单，不能打卡。请联系学校管理员在“员工”中关联您的账号。")


class PositionUnreadable(DomainError):
    code = "punch_position_unreadable"
    message = _("定位数据有误，请重新取一次定位；取不到也可以不带定位打卡。")


class NotOneself(DomainError):
    code = "punch_voucher_for_oneself"
    message = _("不能为自己见证，请由其他在场主管操作。")


class AppealTextMissing(DomainError):
    code = "punch_appeal_text_missing"
    message = _("请用 5—300 个字写明当时的情况，方便核对。")


class NothingToAppeal(Conflict):
    code = "punch_nothing_to_appeal"
    message = _("只有未通过的打卡可以申诉，请刷新后查看最新状态。")


class PhotoSettled(Conflict):
    code = "punch_photo_settled"
    message = _("这张照片没有待核对的疑问，或已有人核对过，请刷新后查看结果。")


class AppealClosed(Conflict):
    code = "punch_appeal_closed"
    message = _("这条申诉已经处理过，请刷新后查看结果。")


class ReasonMissing(DomainError):
    code = "punch_reason_missing"
    message = _("请写明理由，让申诉的人知道为什么。")


class FenceShapeWrong(DomainError):
    code = "fence_shape_wrong"
    message = _(
        "范围的形状有误：圆形要有中心和 10—5000 米的半径，多边形要有 3—100 个角、边线不相交、面积不超过 25 平方公里。"
    )


class FenceNameTaken(DomainError):
    code = "fence_name_taken"
    message = _("这个岗位已有同名的范围，请换一个名称。")


class DeviceNameTaken(DomainError):
    code = "device_name_taken"
    message = _("已有同名的设备，请换一个名称。")


class DeviceOff(DomainError):
    code = "device_off"
    message = _("这台设备已停用，不再接收它的打卡。如需恢复，请在“考勤设备”中启用。")


class BatchTooLarge(DomainError):
    code = "batch_too_large"
    message = _("一次最多 20000 条、8 MB（解压后 32 MB），请分批发送。")


class BatchUnreadable(DomainError):
    code = "batch_unreadable"
    message = _("数据无法读取：%(why)s。格式见 docs/punches.md。")
