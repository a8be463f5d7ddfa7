from django.apps import AppConfig


class PunchesConfig(AppConfig):
    name = "tenants.punches"
    label = "punches"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "打卡"

    def ready(self) -> None:
        from tenants.evidence import policies as evidence
        from tenants.punches import queries

        evidence.register_witness("punches", queries.shows_evidence)
