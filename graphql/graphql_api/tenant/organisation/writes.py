"""All mutations of the feature."""

from __future__ import annotations

import graphene

from graphql_api.tenant.organisation.imports import ConfirmImport, StartImport
from graphql_api.tenant.organisation.people import (
    AddCertificate,
    AddPost,
    AddStaff,
    ChangeCertificate,
    ChangePost,
    ChangeStaff,
    ClosePost,
    ForgetStaff,
    OpenStaffLogins,
    RemoveCertificate,
    RevealStaffNumber,
    ShareStaffLogin,
    StaffLeft,
    StaffReturned,
)
from graphql_api.tenant.organisation.places import (
    AddContract,
    AddDepartment,
    AddFloors,
    AddPlace,
    ChangeContract,
    ChangeDepartment,
    ChangePlace,
    MovePlace,
    SetLine,
    SetPartyActive,
    SetPlaceActive,
)


class OrganisationMutation(graphene.ObjectType):
    add_place = AddPlace.Field()
    add_floors = AddFloors.Field()
    change_place = ChangePlace.Field()
    move_place = MovePlace.Field()
    set_place_active = SetPlaceActive.Field()
    add_department = AddDepartment.Field()
    change_department = ChangeDepartment.Field()
    add_contract = AddContract.Field()
    change_contract = ChangeContract.Field()
    set_party_active = SetPartyActive.Field()
    set_line = SetLine.Field()
    add_post = AddPost.Field()
    change_post = ChangePost.Field()
    close_post = ClosePost.Field()
    add_staff = AddStaff.Field()
    change_staff = ChangeStaff.Field()
    staff_left = StaffLeft.Field()
    staff_returned = StaffReturned.Field()
    forget_staff = ForgetStaff.Field()
    reveal_staff_number = RevealStaffNumber.Field()
    add_certificate = AddCertificate.Field()
    change_certificate = ChangeCertificate.Field()
    remove_certificate = RemoveCertificate.Field()
    share_staff_login = ShareStaffLogin.Field()
    open_staff_logins = OpenStaffLogins.Field()
    start_import = StartImport.Field()
    confirm_import = ConfirmImport.Field()
