"""All writes of the face service."""

from tenants.face.operations.batches import drop_photos, run_batch, start_batch, start_batch_of_photos
from tenants.face.operations.checks import chase, request_check, request_enrolment, run_check, verify
from tenants.face.operations.consents import check_ages, decide, record_paper, revoke
from tenants.face.operations.settings import configure
from tenants.face.operations.templates import delete_template, reveal_photo, rotate, upkeep

__all__ = [
    "chase",
    "check_ages",
    "configure",
    "decide",
    "delete_template",
    "drop_photos",
    "record_paper",
    "request_check",
    "request_enrolment",
    "reveal_photo",
    "revoke",
    "rotate",
    "run_batch",
    "run_check",
    "start_batch",
    "start_batch_of_photos",
    "upkeep",
    "verify",
]
