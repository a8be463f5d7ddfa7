from django.apps import AppConfig


class EvaluationsConfig(AppConfig):
    name = "tenants.evaluations"
    label = "evaluations"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "考核评价"
