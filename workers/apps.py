from django.apps import AppConfig


class WorkersConfig(AppConfig):
    """Ties the domain's `kernel.jobs` to Celery; from here on every task is known by name."""

    name = "workers"
    label = "workers"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from kernel import jobs
        from workers import tasks
        from workers.celery import send

        assert tasks  # imported for the names it registers
        jobs.register_sender(send)
