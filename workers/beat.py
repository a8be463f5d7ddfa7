"""What is swept when: name → task, seconds or crontab. A sweep finds by its rows what a lost message would have done."""

from typing import Any

SCHEDULE: dict[str, dict[str, Any]] = {
    "identity.sweep_mail": {"task": "identity.sweep_mail", "schedule": 60.0},
    "identity.sweep_tickets": {"task": "identity.sweep_tickets", "schedule": 3600.0},
    "schools.sweep": {"task": "schools.sweep", "schedule": 60.0},
}
