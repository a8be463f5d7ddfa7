from django.apps import AppConfig


class CalendarConfig(AppConfig):
    name = "tenants.calendar"
    label = "calendar"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "校历"
