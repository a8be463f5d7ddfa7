from django.apps import AppConfig


class StandardsLibraryConfig(AppConfig):
    name = "standards_library"
    label = "standards_library"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "标准库"
