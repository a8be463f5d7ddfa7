from django.apps import AppConfig


class OrganisationConfig(AppConfig):
    name = "tenants.organisation"
    label = "organisation"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "组织与场所"

    def ready(self) -> None:
        from tenants.evidence.policies import register_witness
        from tenants.organisation.ledger import shows_evidence

        register_witness("organisation", shows_evidence)
