"""Three months of inspections and findings, and two closed rounds."""

from datetime import datetime

from kernel.tenancy import Tenant
from workers.demo.schools import People, Plan


def make(plan: Plan, who: People, tenant: Tenant, *, now: datetime, seed: int) -> None:
    """Written when inspections land."""
