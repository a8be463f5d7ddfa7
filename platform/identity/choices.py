"""Who may act as what."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Role(TextChoices):
    """A role belongs to one side: the institute, a school, or a property company inside a school."""

    INSTITUTE_ADMIN = "institute_admin", _("研究院管理员")
    INSTITUTE_REVIEWER = "institute_reviewer", _("评审专家")
    INSTITUTE_ANALYST = "institute_analyst", _("数据分析员")
    SCHOOL_ADMIN = "school_admin", _("学校管理员")
    SCHOOL_LEADER = "school_leader", _("分管领导")
    SCHOOL_SUPERVISOR = "school_supervisor", _("监管人员")
    FRONTLINE = "frontline", _("一线员工")
    PROVIDER_MANAGER = "provider_manager", _("物业企业负责人")


INSTITUTE_ROLES = frozenset({Role.INSTITUTE_ADMIN, Role.INSTITUTE_REVIEWER, Role.INSTITUTE_ANALYST})
SCHOOL_ROLES = frozenset(Role) - INSTITUTE_ROLES


class Via(TextChoices):
    """Through which door an actor came."""

    SESSION = "session", _("网页登录")
    TOKEN = "token", _("接口令牌")
    SYSTEM = "system", _("系统")


class GrantScope(TextChoices):
    """What a school may let the institute read in detail."""

    FINDINGS = "findings", _("问题整改")
    INSPECTIONS = "inspections", _("巡查检查")
    EVALUATIONS = "evaluations", _("考核评分")
    ORGANISATION = "organisation", _("组织与人员")
    DUTY = "duty", _("值班、查岗与巡更")
    ROSTERS = "rosters", _("排班与请假")
    PUNCHES = "punches", _("打卡记录")
    ATTENDANCE = "attendance", _("考勤结果")


# Institute roles that may read a school's detail when the school granted it; outside reviewers never.
GRANT_READERS = frozenset({Role.INSTITUTE_ADMIN, Role.INSTITUTE_ANALYST})

# Roles that administer a space: at least one person must hold it, and a second factor is urged on them.
SPACE_ADMINS = frozenset({Role.SCHOOL_ADMIN, Role.INSTITUTE_ADMIN})


class MailState(TextChoices):
    """Where a mail of the outbox stands."""

    QUEUED = "queued", _("待发送")
    SENT = "sent", _("已发送")
    FAILED = "failed", _("发送失败")


# What a token may be allowed: "<feature>:read" and "<feature>:write". The label is what people tick.
TOKEN_FEATURES: dict[str, str] = {
    "attendance": "考勤结果",
    "calendar": "校历",
    "organisation": "组织与人员",
    "rosters": "排班",
    "rubrics": "评分标准",
    "findings": "问题整改",
    "inspections": "巡查检查",
    "punches": "打卡",
    "evaluations": "考核评分",
    "duty": "值班与查岗",
    "patrols": "巡更",
    "evidence": "照片与附件",
    "notices": "消息",
    "face": "人脸服务",
    "timeline": "事件时间线",
    "jobs": "后台任务",
    "dashboard": "看板",
    "standards": "标准库",
    "applications": "申报与遴选",
    "schools": "学校管理",
    "providers": "物业企业",
    "benchmark": "跨校对标",
    "identity": "成员与授权",
}
TOKEN_SCOPES: dict[str, str] = {
    f"{feature}:{verb}": f"{label}·{name}"
    for feature, label in TOKEN_FEATURES.items()
    for verb, name in (("read", "读取"), ("write", "写入"))
}
