from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Decision(TextChoices):
    AGREED = "agreed", _("同意")
    REFUSED = "refused", _("不使用人脸")


class How(TextChoices):
    """In which form the person decided."""

    PHONE = "phone", _("本人在手机上")
    PAPER = "paper", _("书面")


class Guardian(TextChoices):
    """Who consents for a person under 14 (PIPL art. 31)."""

    NONE = "", _("不需要")
    FATHER = "father", _("父亲")
    MOTHER = "mother", _("母亲")
    OTHER = "other", _("其他监护人")


class Age(TextChoices):
    """How it is known that a person may consent for themselves."""

    UNKNOWN = "", _("没有记录")
    CARD = "card", _("身份证")
    SAID = "said", _("声明已满十四周岁")
    GUARDIAN = "guardian", _("监护人同意")


class Ended(TextChoices):
    """Why a decision no longer stands."""

    MINOR = "minor", _("登记的身份证显示不满十四周岁")
    REVOKED = "revoked", _("本人撤回")
    LEFT = "left", _("离职")
    CHANGED = "changed", _("重新选择")


class Gone(TextChoices):
    """Why a template or photo was deleted."""

    MINOR = "minor", _("不满十四周岁而无监护人同意")
    REVOKED = "revoked", _("撤回同意")
    LEFT = "left", _("离职")
    REPLACED = "replaced", _("重新录入")
    ASKED = "asked", _("要求删除")
    TERM = "term", _("照片到期")
    OFF = "off", _("学校停用人脸服务")


class Kept(TextChoices):
    """What lay there until it was deleted."""

    TEMPLATE = "template", _("人脸特征")
    PHOTO = "photo", _("原始照片")


class Source(TextChoices):
    PHONE = "phone", _("本人拍照")
    BATCH = "batch", _("批量录入")


class Purpose(TextChoices):
    """What a picture is held against a template for."""

    ENROL = "enrol", _("录入")
    TRIAL = "trial", _("试一试")
    PUNCH = "punch", _("打卡")
    DUTY = "duty", _("值班查岗")
    PATROL = "patrol", _("巡更")


class CheckState(TextChoices):
    PENDING = "pending", _("识别中")
    DONE = "done", _("已有结果")


class Outcome(TextChoices):
    """What came of a check; every one but the first two leads to the equal way without a face."""

    MATCH = "match", _("通过")
    ENROLLED = "enrolled", _("已录入")
    MISMATCH = "mismatch", _("与本人特征不一致")
    NOT_LIVE = "not_live", _("未通过活体检测")
    NO_FACE = "no_face", _("没有找到人脸")
    SEVERAL = "several", _("画面中有多张人脸")
    TOO_SMALL = "too_small", _("人脸太小")
    OFF_CENTRE = "off_centre", _("人脸太靠边或太近")
    BAD_PICTURE = "bad_picture", _("照片无法读取")
    NO_CONSENT = "no_consent", _("本人没有同意使用人脸")
    NO_TEMPLATE = "no_template", _("还没有录入")
    OLD_TEMPLATE = "old_template", _("识别模型已更换，需要重新录入")
    UNAVAILABLE = "unavailable", _("人脸服务暂不可用")


PASSED = (Outcome.MATCH, Outcome.ENROLLED)


class Standing(TextChoices):
    """Where a person stands, for lists and coverage; derived, stored nowhere."""

    ENROLLED = "enrolled", _("已录入")
    AGREED = "agreed", _("已同意，未录入")
    REFUSED = "refused", _("不使用人脸")
    ASKED = "asked", _("未选择")
