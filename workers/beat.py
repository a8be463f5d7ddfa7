"""What is swept when: name → task, seconds or crontab. A sweep finds by its rows what a lost message would have done."""

from typing import Any

SCHEDULE: dict[str, dict[str, Any]] = {}
