from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class EvidenceKind(TextChoices):
    PHOTO = "photo", _("照片")
    FILE = "file", _("文件")
