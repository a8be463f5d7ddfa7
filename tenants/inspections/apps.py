from django.apps import AppConfig


class InspectionsConfig(AppConfig):
    name = "tenants.inspections"
    label = "inspections"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "巡查检查"

    def ready(self) -> None:
        from tenants.evidence.policies import register_witness
        from tenants.inspections.boards import shows_evidence

        register_witness("inspections", shows_evidence)
