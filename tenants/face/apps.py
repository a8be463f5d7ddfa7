from django.apps import AppConfig


class FaceConfig(AppConfig):
    name = "tenants.face"
    label = "face"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "人脸服务"
