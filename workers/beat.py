"""What is swept when: name → task, seconds or crontab. A sweep finds by its rows what a lost message would have done."""

from typing import Any

SCHEDULE: dict[str, dict[str, Any]] = {
    "identity.sweep_mail": {"task": "identity.sweep_mail", "schedule": 60.0},
    "identity.sweep_tickets": {"task": "identity.sweep_tickets", "schedule": 3600.0},
    "applications.sweep": {"task": "applications.sweep", "schedule": 3600.0},
    "schools.verify": {"task": "schools.verify", "schedule": 24 * 3600.0},
    "schools.sweep": {"task": "schools.sweep", "schedule": 60.0},
    "jobs.sweep": {"task": "jobs.sweep", "schedule": 30.0},
    "jobs.remove_old_files": {"task": "jobs.remove_old_files", "schedule": 86_400.0},
    "organisation.part_leavers": {"task": "organisation.part_leavers", "schedule": 3_600.0},
    "organisation.forget_left": {"task": "organisation.forget_left", "schedule": 86_400.0},
    "organisation.sweep_certificates": {"task": "organisation.sweep_certificates", "schedule": 86_400.0},
    "organisation.sweep_companies": {"task": "organisation.sweep_companies", "schedule": 6 * 3600.0},
    "benchmarking.sweep": {"task": "benchmarking.sweep", "schedule": 3600.0},
    "calendar.sweep_years": {"task": "calendar.sweep_years", "schedule": 86_400.0},
    "findings.sweep_overdue": {"task": "findings.sweep_overdue", "schedule": 600.0},
    "duty.sweep": {"task": "duty.sweep", "schedule": 20.0},
    "face.sweep": {"task": "face.sweep", "schedule": 1800.0},
    "face.sweep_checks": {"task": "face.sweep_checks", "schedule": 30.0},
    "punches.sweep": {"task": "punches.sweep", "schedule": 300.0},
    "inspections.sweep": {"task": "inspections.sweep", "schedule": 600.0},
    "attendance.sweep": {"task": "attendance.sweep", "schedule": 60.0},
    "attendance.watch": {"task": "attendance.watch", "schedule": 3600.0},
    "patrols.sweep_all": {"task": "patrols.sweep_all", "schedule": 300.0},
    "notices.sweep_mail": {"task": "notices.sweep_mail", "schedule": 900.0},
    "timeline.sweep_keys": {"task": "timeline.sweep_keys", "schedule": 86_400.0},
    "rosters.sweep": {"task": "rosters.sweep", "schedule": 3600.0},
}
