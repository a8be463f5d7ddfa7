"""Who may do what with applications. A conflict of interest outweighs every role (queries leave those rows out)."""

from datetime import date

from identity.choices import Role
from identity.contracts import Actor
from institute.applications.choices import CLOSED, EDITABLE, OPEN, ApplicationStatus
from institute.applications.models import Application, Assignment, Enquiry

_S = ApplicationStatus


def can_read_queue(actor: Actor) -> bool:
    """The institute's people; reviewers see only what is assigned to them (queries.visible_to)."""
    return actor.has(Role.INSTITUTE_ADMIN, Role.INSTITUTE_REVIEWER, Role.INSTITUTE_ANALYST) and actor.may(
        "applications:read"
    )


def can_manage(actor: Actor) -> bool:
    """Run the procedure: completeness, reviewers, decision, criteria."""
    return actor.has(Role.INSTITUTE_ADMIN)


def can_read_files(actor: Actor) -> bool:
    """Administrators, and reviewers for what they can see."""
    return actor.has(Role.INSTITUTE_ADMIN, Role.INSTITUTE_REVIEWER) and actor.may("applications:read")


def can_see_contact(actor: Actor) -> bool:
    """The contact's phone and mail in clear; the look is logged."""
    return actor.has(Role.INSTITUTE_ADMIN)


def is_editable(application: Application) -> bool:
    return application.status in EDITABLE


def can_withdraw(application: Application) -> bool:
    return application.status not in CLOSED


def can_return(actor: Actor, application: Application) -> bool:
    """Once: an application that came back is accepted or rejected."""
    return can_manage(actor) and application.status == _S.SUBMITTED and application.returned_at is None


def can_accept(actor: Actor, application: Application) -> bool:
    return can_manage(actor) and application.status == _S.SUBMITTED


def can_assign(actor: Actor, application: Application) -> bool:
    return can_manage(actor) and application.status in {_S.ACCEPTED, _S.REVIEWING}


def fix_is_overdue(application: Application, today: date) -> bool:
    """补正 was asked for and its day (the institute's calendar) has gone by."""
    return application.status == _S.RETURNED and application.fix_due_on is not None and application.fix_due_on < today


def can_extend_fix(actor: Actor, application: Application) -> bool:
    return can_manage(actor) and application.status == _S.RETURNED


def can_decide(actor: Actor, application: Application, today: date) -> bool:
    """While an application is under way; one that waits for 补正 only after its day."""
    if application.status == _S.RETURNED:
        return can_manage(actor) and fix_is_overdue(application, today)
    return can_manage(actor) and application.status in OPEN


def can_score(actor: Actor, assignment: Assignment) -> bool:
    """The assigned reviewer, while the assignment lives and the sheet is not handed in."""
    return (
        actor.has(Role.INSTITUTE_REVIEWER)
        and actor.account_id == assignment.account_id
        and assignment.ended_at is None
        and assignment.submitted_at is None
    )


def can_edit_profile(actor: Actor, account_id: object) -> bool:
    """One's own, and any for administrators."""
    return can_manage(actor) or (actor.has(Role.INSTITUTE_REVIEWER) and actor.account_id == account_id)


def can_read_enquiries(actor: Actor) -> bool:
    return actor.has(Role.INSTITUTE_ADMIN, Role.INSTITUTE_ANALYST) and actor.may("applications:read")


def can_work_on_enquiry(actor: Actor, enquiry: Enquiry) -> bool:
    return actor.has(Role.INSTITUTE_ADMIN, Role.INSTITUTE_ANALYST) and enquiry.status != "closed"
