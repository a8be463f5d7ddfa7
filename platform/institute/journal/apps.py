from django.apps import AppConfig


class JournalConfig(AppConfig):
    name = "institute.journal"
    label = "journal"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "研究院日志"
