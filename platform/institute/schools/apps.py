from django.apps import AppConfig


class SchoolsConfig(AppConfig):
    name = "institute.schools"
    label = "schools"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "学校"
