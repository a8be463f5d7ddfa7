from django.apps import AppConfig


class OrganisationConfig(AppConfig):
    name = "tenants.organisation"
    label = "organisation"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "组织与场所"
