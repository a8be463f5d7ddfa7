from django.apps import AppConfig


class PatrolsConfig(AppConfig):
    name = "tenants.patrols"
    label = "patrols"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "巡更"

    def ready(self) -> None:
        from tenants.attendance.board import register_walks
        from tenants.evidence.policies import register_witness
        from tenants.patrols.queries import shows_evidence, walks

        register_walks(walks)
        register_witness("patrols", shows_evidence)
