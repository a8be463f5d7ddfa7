from django.apps import AppConfig


class IdentityConfig(AppConfig):
    name = "identity"
    label = "identity"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "身份与权限"
