from django.apps import AppConfig


class PunchesConfig(AppConfig):
    name = "tenants.punches"
    label = "punches"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "打卡"
