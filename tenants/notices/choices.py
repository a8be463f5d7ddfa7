from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class NoticeKind(TextChoices):
    """What the notice wants: something to do, something late, or just to know."""

    TODO = "todo", _("待办")
    LATE = "late", _("超期")
    INFO = "info", _("知悉")
