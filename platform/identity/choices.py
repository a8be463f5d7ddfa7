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
