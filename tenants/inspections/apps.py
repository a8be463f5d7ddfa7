from django.apps import AppConfig


class InspectionsConfig(AppConfig):
    name = "tenants.inspections"
    label = "inspections"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "巡查检查"
