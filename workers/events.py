"""Where identity's events go: the school's timeline, or the institute's journal."""

from typing import Any
from uuid import UUID

from identity.contracts import Actor
from institute.journal import operations as journal
from institute.schools import queries as schools
from kernel.tenancy import NoSchool, public_context, school_context
from tenants.timeline import operations as timeline


def record(*, verb: str, sentence: str, subject: object, by: Actor, school_id: UUID | None, **payload: Any) -> None:
    """Append the event in the caller's transaction; a school that is not open yet has the journal only."""
    if school_id is not None:
        try:
            with public_context():
                tenant = schools.tenant_of_school(school_id)
        except NoSchool:
            payload["school_id"] = str(school_id)
        else:
            with school_context(tenant):
                timeline.record(verb=verb, sentence=sentence, subject=subject, by=by, **payload)
            return
    with public_context():
        journal.record(verb=verb, sentence=sentence, subject=subject, by=by, **payload)
