"""All writes of findings: the PDCA cycle from opening to closing."""

from tenants.findings.errors import (
    ConsequenceMissing,
    DeadlineFar,
    DeadlinePast,
    ExtensionAnswered,
    ExtensionsUsedUp,
    ExtensionTooFar,
    ExtensionTooLate,
    ExtensionTooShort,
    ExtensionWaits,
    FixerNeverCloses,
    OwnerUnfit,
    PartyMissing,
    PhotoMissing,
    PhotoOfAnother,
    PhotoUnknown,
    PlanUnchanged,
    ReasonMissing,
    RootCauseMissing,
    RubricUnchanged,
    SamePhoto,
    TooManyPhotos,
    VerifierUnfit,
    WrongMove,
)
from tenants.findings.operations.escalating import chase, chase_verification, escalate, escalate_overdue
from tenants.findings.operations.extending import ask_extension, grant_extension, refuse_extension
from tenants.findings.operations.fixing import assign_owner, start_fix, submit_fix
from tenants.findings.operations.learning import set_consequence
from tenants.findings.operations.managing import assign_verifier, change_deadline, comment, void
from tenants.findings.operations.opening import open_finding
from tenants.findings.operations.rules import set_ladder, set_repeat_rule, set_rule
from tenants.findings.operations.uncertified import open_uncertified
from tenants.findings.operations.verifying import confirm_on_site, reopen, verify_pass, verify_reject
from tenants.findings.operations.withdrawing import speak_for, take_back

__all__ = [
    "ConsequenceMissing",
    "DeadlineFar",
    "DeadlinePast",
    "ExtensionAnswered",
    "ExtensionTooFar",
    "ExtensionTooLate",
    "ExtensionTooShort",
    "ExtensionWaits",
    "ExtensionsUsedUp",
    "FixerNeverCloses",
    "OwnerUnfit",
    "PartyMissing",
    "PhotoMissing",
    "PhotoOfAnother",
    "PhotoUnknown",
    "PlanUnchanged",
    "ReasonMissing",
    "RootCauseMissing",
    "RubricUnchanged",
    "SamePhoto",
    "TooManyPhotos",
    "VerifierUnfit",
    "WrongMove",
    "ask_extension",
    "assign_owner",
    "assign_verifier",
    "change_deadline",
    "chase",
    "chase_verification",
    "comment",
    "confirm_on_site",
    "escalate",
    "escalate_overdue",
    "grant_extension",
    "open_finding",
    "open_uncertified",
    "refuse_extension",
    "reopen",
    "set_consequence",
    "set_ladder",
    "set_repeat_rule",
    "set_rule",
    "speak_for",
    "start_fix",
    "submit_fix",
    "take_back",
    "verify_pass",
    "verify_reject",
    "void",
]
