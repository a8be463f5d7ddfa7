from django.apps import AppConfig


class TimelineConfig(AppConfig):
    name = "tenants.timeline"
    label = "timeline"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "事件时间线"
