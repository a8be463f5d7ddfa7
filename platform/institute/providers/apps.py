from django.apps import AppConfig


class ProvidersConfig(AppConfig):
    name = "institute.providers"
    label = "providers"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "物业企业"
