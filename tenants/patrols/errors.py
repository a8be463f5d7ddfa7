"""How patrols say no."""

from django.utils.translation import gettext_lazy as _

from kernel.errors import DomainError


class RouteEmpty(DomainError):
    code = "patrol_route_empty"
    message = _("路线至少要有 2 个点，请继续添加。")


class PointTwice(DomainError):
    code = "patrol_point_twice"
    message = _("同一个场所在路线里出现了两次，请删除重复的点。")


class TourClosed(DomainError):
    code = "patrol_tour_closed"
    message = _("这次巡更已经结束，不能再打点。漏掉的点请说明原因或安排补巡。")


class TourTaken(DomainError):
    code = "patrol_tour_taken"
    message = _("%(name)s 正在巡这条路线。如需接手，请先请对方结束，再安排补巡。")


class TooEarly(DomainError):
    code = "patrol_too_early"
    message = _("还没到这次巡更的时间（%(at)s 开始），请到时再来。")


class TooLate(DomainError):
    code = "patrol_too_late"
    message = _("这次巡更的时间已过，请安排补巡，并说明原因。")


class NotOnRoute(DomainError):
    code = "patrol_not_on_route"
    message = _("扫到的码不在这条路线上，请核对点位后再扫。")


class PhotoRequired(DomainError):
    code = "patrol_photo_required"
    message = _("“%(place)s”需要拍一张照片，请补拍后再提交。")


class AnswerMissing(DomainError):
    code = "patrol_answer_missing"
    message = _("“%(question)s”还没有填写，请填写后再提交。")


class NothingToReview(DomainError):
    code = "patrol_nothing_to_review"
    message = _("没有待审核的说明，请刷新页面。")


class OwnExplanation(DomainError):
    code = "patrol_own_explanation"
    message = _("自己写的说明不能自己审核，请另一位管理员或监管人员审核。")


class NothingMissed(DomainError):
    code = "patrol_nothing_missed"
    message = _("没有需要说明的漏点，请刷新页面。")


class MadeUpEnough(DomainError):
    code = "patrol_made_up_enough"
    message = _("这些点已经补巡过 %(times)s 次，不能再往后排。请说明漏巡原因，由管理员或监管人员审核。")


class NoMakeUps(DomainError):
    code = "patrol_no_make_ups"
    message = _("本校不安排补巡。请说明漏巡原因，由管理员或监管人员审核。")
