"""Who may see a job and what it made."""

from identity.choices import Role
from identity.contracts import Actor
from tenants.jobs.models import Job


def can_see(actor: Actor, job: Job) -> bool:
    """Its owner; the admin sees that others' work runs."""
    return actor.is_system or (actor.signed_in and (job.account_id == actor.account_id or actor.has(Role.SCHOOL_ADMIN)))


def can_download(actor: Actor, job: Job) -> bool:
    """Its owner alone: files may hold personal data in clear."""
    return actor.signed_in and actor.may("jobs:read") and job.account_id == actor.account_id and bool(actor.roles)
