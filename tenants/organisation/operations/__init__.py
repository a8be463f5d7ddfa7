"""All writes of the organisation: places, parties, posts, people."""

from tenants.organisation.operations.certificates import (
    add_certificate,
    change_certificate,
    remove_certificate,
    tell_ending_certificates,
)
from tenants.organisation.operations.parties import (
    add_contract,
    add_department,
    change_contract,
    change_department,
    set_line,
    set_party_active,
    start_lines,
)
from tenants.organisation.operations.places import (
    add_floors,
    add_place,
    change_code,
    change_place,
    move_place,
    rename_place,
    set_place_active,
)
from tenants.organisation.operations.posts import add_post, change_post, close_post
from tenants.organisation.operations.staff import (
    add_staff,
    bring_back,
    change_staff,
    forget,
    forget_due,
    leave,
    link_account,
    open_logins,
    reveal,
)

__all__ = [
    "add_certificate",
    "add_contract",
    "add_department",
    "add_floors",
    "add_place",
    "add_post",
    "add_staff",
    "bring_back",
    "change_certificate",
    "change_code",
    "change_contract",
    "change_department",
    "change_place",
    "change_post",
    "change_staff",
    "close_post",
    "forget",
    "forget_due",
    "leave",
    "link_account",
    "move_place",
    "open_logins",
    "remove_certificate",
    "rename_place",
    "reveal",
    "set_line",
    "set_party_active",
    "set_place_active",
    "start_lines",
    "tell_ending_certificates",
]
