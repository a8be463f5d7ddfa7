from django.apps import AppConfig


class FindingsConfig(AppConfig):
    name = "tenants.findings"
    label = "findings"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "问题整改"
