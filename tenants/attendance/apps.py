from django.apps import AppConfig


class AttendanceConfig(AppConfig):
    name = "tenants.attendance"
    label = "attendance"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "考勤结果"
