from django.apps import AppConfig


class RubricsConfig(AppConfig):
    name = "tenants.rubrics"
    label = "rubrics"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "评分标准"

    def ready(self) -> None:
        from tenants.evidence.policies import register_witness
        from tenants.rubrics.queries import is_example_photo

        register_witness("rubrics", is_example_photo)
