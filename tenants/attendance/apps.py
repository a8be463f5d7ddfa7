from django.apps import AppConfig


class AttendanceConfig(AppConfig):
    name = "tenants.attendance"
    label = "attendance"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "考勤结果"

    def ready(self) -> None:
        from tenants.attendance.policies import frozen_days
        from tenants.attendance.queries import shows_evidence
        from tenants.evidence.policies import register_witness
        from tenants.rosters.policies import register_freeze

        register_freeze(frozen_days)
        register_witness("attendance", shows_evidence)
