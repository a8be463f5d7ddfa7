"""All mutations of the feature."""

import graphene

from graphql_api.public.applications.applicant import (
    AskEnquiry,
    OpenApplication,
    RemoveApplicationDocument,
    RenewApplicationLinks,
    SaveApplicationAnswers,
    SendApplicationLink,
    StartApplication,
    SubmitApplication,
    UploadApplicationDocument,
    WithdrawApplication,
)
from graphql_api.public.applications.institute import (
    AcceptApplication,
    AssignReviewer,
    CloseEnquiry,
    DecideApplication,
    DeclareConflict,
    ExtendFix,
    GiveEnquiry,
    ReplaceReviewer,
    ReplyToEnquiry,
    ReturnApplication,
    RevealApplicationContact,
    SaveCriteria,
    SaveReviewerProfile,
    SaveSheet,
    SubmitSheet,
)


class ApplicationsMutation(graphene.ObjectType):
    start_application = StartApplication.Field()
    open_application = OpenApplication.Field()
    save_application_answers = SaveApplicationAnswers.Field()
    upload_application_document = UploadApplicationDocument.Field()
    remove_application_document = RemoveApplicationDocument.Field()
    submit_application = SubmitApplication.Field()
    withdraw_application = WithdrawApplication.Field()
    send_application_link = SendApplicationLink.Field()
    renew_application_links = RenewApplicationLinks.Field()
    ask_enquiry = AskEnquiry.Field()
    accept_application = AcceptApplication.Field()
    return_application = ReturnApplication.Field()
    extend_application_fix = ExtendFix.Field()
    assign_reviewer = AssignReviewer.Field()
    replace_reviewer = ReplaceReviewer.Field()
    declare_conflict = DeclareConflict.Field()
    save_reviewer_profile = SaveReviewerProfile.Field()
    save_criteria = SaveCriteria.Field()
    save_sheet = SaveSheet.Field()
    submit_sheet = SubmitSheet.Field()
    decide_application = DecideApplication.Field()
    reveal_application_contact = RevealApplicationContact.Field()
    give_enquiry = GiveEnquiry.Field()
    reply_to_enquiry = ReplyToEnquiry.Field()
    close_enquiry = CloseEnquiry.Field()
