from django.apps import AppConfig


class WorkersConfig(AppConfig):
    """Ties the domain's hooks together: jobs to Celery, identity's events to the event tables, seeders to provisioning.

    Every task is known by name from here.
    """

    name = "workers"
    label = "workers"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from identity import events
        from kernel import jobs, pooler
        from workers import seeding, tasks
        from workers.celery import send
        from workers.events import record

        assert pooler  # imported for the system check it registers
        assert tasks  # imported for the names it registers
        jobs.register_sender(send)
        events.register_recorder(record)
        seeding.register_all()
