from django.apps import AppConfig


class EvidenceConfig(AppConfig):
    name = "tenants.evidence"
    label = "evidence"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "照片与文件"
