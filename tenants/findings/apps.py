from django.apps import AppConfig


class FindingsConfig(AppConfig):
    name = "tenants.findings"
    label = "findings"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "问题整改"

    def ready(self) -> None:
        from tenants.evidence.policies import register_witness
        from tenants.findings.queries import shows_evidence

        register_witness("findings", shows_evidence)
