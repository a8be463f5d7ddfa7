from django.apps import AppConfig


class EvaluationsConfig(AppConfig):
    name = "tenants.evaluations"
    label = "evaluations"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "考核评价"

    def ready(self) -> None:
        from tenants.evaluations import queries
        from tenants.evidence import policies

        policies.register_witness("evaluations", queries.shows_evidence)
