from django.apps import AppConfig


class WorkersConfig(AppConfig):
    """Ties the domain's `kernel.jobs` to Celery."""

    name = "workers"
    label = "workers"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from kernel import jobs
        from workers.celery import send

        jobs.register_sender(send)
