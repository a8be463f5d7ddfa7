from django.apps import AppConfig


class DutyConfig(AppConfig):
    name = "tenants.duty"
    label = "duty"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "值班"

    def ready(self) -> None:
        from tenants.duty.queries import shows_evidence
        from tenants.evidence.policies import register_witness

        register_witness("duty", shows_evidence)
