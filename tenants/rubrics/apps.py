from django.apps import AppConfig


class RubricsConfig(AppConfig):
    name = "tenants.rubrics"
    label = "rubrics"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "评分标准"
