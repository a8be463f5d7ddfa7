from django.apps import AppConfig


class ApplicationsConfig(AppConfig):
    name = "institute.applications"
    label = "applications"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "申报与遴选"
