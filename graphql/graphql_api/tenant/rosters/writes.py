"""Writes of rosters."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import graphene

from graphql_api.context import Context
from graphql_api.mutations import DomainMutation
from graphql_api.tenant.evidence import Id, Text
from graphql_api.tenant.findings import CLIENT_KEY, common
from graphql_api.tenant.jobs import JobType
from graphql_api.tenant.rosters.reads import checked
from graphql_api.tenant.rosters.types import (
    AssignmentType,
    AttendanceRuleType,
    CoverageType,
    LeaveType,
    PatternUseType,
    PostTermsType,
    RosterPatternType,
    ShiftType,
    SwapType,
)
from graphql_api.uploads import decoded
from kernel import clock
from kernel.errors import Invalid
from tenants.jobs import imports as flow
from tenants.rosters import operations
from tenants.rosters.imports import ROSTER


def today_of(context: Context) -> date:
    return clock.now().astimezone(context.tenant.tz).date()


class RosterMutation(DomainMutation):
    """Base: the scope of all."""

    class Meta:
        abstract = True

    scope = "rosters:write"


class SegmentInputType(graphene.InputObjectType):
    """Minutes from the day's start; the end may pass 1,440."""

    class Meta:
        name = "ShiftSegmentInput"

    start_minute = graphene.Int(required=True)
    end_minute = graphene.Int(required=True)
    needs_in = graphene.Boolean(default_value=True)
    needs_out = graphene.Boolean(default_value=True)


class SaveShift(RosterMutation):
    """Add a shift, or change the one named by `shiftId`."""

    class Arguments:
        shift_id = graphene.UUID()
        name = graphene.String(required=True)
        code = graphene.String(required=True)
        colour = graphene.String()
        kind = graphene.String(description="fixed or flexible")
        flex_minutes = graphene.Int()
        segments = graphene.List(graphene.NonNull(SegmentInputType), required=True)

    shift = graphene.Field(ShiftType)

    @classmethod
    def perform(cls, context: Context, *, segments: list[Any], **given: Any) -> dict[str, Any]:
        parts = [
            operations.SegmentInput(s["start_minute"], s["end_minute"], s["needs_in"], s["needs_out"]) for s in segments
        ]
        return {"shift": operations.save_shift(**given, segments=parts, today=today_of(context), **common(context))}


class RetireShift(RosterMutation):
    """Take a shift out of use."""

    class Arguments:
        shift_id = graphene.UUID(required=True)

    shift = graphene.Field(ShiftType)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"shift": operations.retire_shift(**given, **common(context))}


class SetAttendanceRule(RosterMutation):
    """Add the next version of the rules; minutes left out take the platform's defaults."""

    class Arguments:
        scope = graphene.String(required=True, description="school, party or post")
        party_id = graphene.UUID()
        post_id = graphene.UUID()
        valid_from = graphene.Date(required=True)
        grace_minutes = graphene.Int()
        early_grace_minutes = graphene.Int()
        serious_minutes = graphene.Int()
        half_absent_minutes = graphene.Int()
        absent_minutes = graphene.Int()
        in_before_minutes = graphene.Int()
        out_after_minutes = graphene.Int()
        report_hours = graphene.Int()
        corrections_per_month = graphene.Int()
        correction_days = graphene.Int()

    rule = graphene.Field(AttendanceRuleType)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"rule": operations.set_rule(**given, today=today_of(context), **common(context))}


class SetPostTerms(RosterMutation):
    """What evidence a post asks for and what an hour costs."""

    class Arguments:
        post_id = graphene.UUID(required=True)
        grade = graphene.String(required=True, description="A, B, C or D")
        hourly_rate = graphene.Decimal()

    terms = graphene.Field(PostTermsType)

    @classmethod
    def perform(cls, context: Context, *, hourly_rate: Any = None, **given: Any) -> dict[str, Any]:
        return {"terms": operations.set_terms(**given, hourly_rate=hourly_rate, **common(context))}


class SavePostCoverage(RosterMutation):
    """Add or change what the contract asks of presence at a post."""

    class Arguments:
        post_id = graphene.UUID(required=True)
        coverage_id = graphene.UUID()
        persons = graphene.Int(required=True)
        weekdays = graphene.Int(description="Bits, 1 is Monday, 64 is Sunday; default 127")
        holidays = graphene.Boolean()
        start_minute = graphene.Int()
        end_minute = graphene.Int()
        valid_from = graphene.Date(required=True)
        valid_until = graphene.Date()

    coverage = graphene.Field(CoverageType)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"coverage": operations.save_coverage(**given, **common(context))}


class RemovePostCoverage(RosterMutation):
    """Take a contracted presence away as if it never was."""

    class Arguments:
        coverage_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        operations.remove_coverage(**given, **common(context))
        return {}


class SaveRosterPattern(RosterMutation):
    """Add a cycle, or change the one named by `patternId`; null in `cells` is rest."""

    class Arguments:
        pattern_id = graphene.UUID()
        name = graphene.String(required=True)
        cells = graphene.List(graphene.UUID, required=True)
        follows_calendar = graphene.Boolean()

    pattern = graphene.Field(RosterPatternType)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"pattern": operations.save_pattern(**given, **common(context))}


class RetireRosterPattern(RosterMutation):
    """Nobody follows it from tomorrow on."""

    class Arguments:
        pattern_id = graphene.UUID(required=True)

    pattern = graphene.Field(RosterPatternType)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"pattern": operations.retire_pattern(**given, today=today_of(context), **common(context))}


class UseRosterPattern(RosterMutation):
    """Let people follow a cycle, each `stagger` days further into it than the one before."""

    class Arguments:
        pattern_id = graphene.UUID(required=True)
        staff_ids = graphene.List(graphene.NonNull(graphene.UUID), required=True)
        starts_on = graphene.Date(required=True)
        ends_on = graphene.Date()
        post_id = graphene.UUID()
        place_id = graphene.UUID()
        offset = graphene.Int()
        stagger = graphene.Int()

    uses = graphene.List(graphene.NonNull(PatternUseType))

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"uses": operations.use_pattern(**given, **common(context))}


class EndRosterPatternUse(RosterMutation):
    """A person follows the cycle no longer from `endsOn` on."""

    class Arguments:
        use_id = graphene.UUID(required=True)
        ends_on = graphene.Date(required=True)

    use = graphene.Field(PatternUseType)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"use": operations.end_use(**given, **common(context))}


class RemakeRosterPatternUse(RosterMutation):
    """Try again, from today on, the days that a cycle could not fill."""

    class Arguments:
        use_id = graphene.UUID(required=True)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        operations.remake(**given, **common(context))
        return {}


class RosterItemInput(graphene.InputObjectType):
    """One shift of a cell; without `shiftId` a day of rest."""

    shift_id = graphene.UUID()
    post_id = graphene.UUID(description="The person's own post unless given")
    place_id = graphene.UUID()


class RosterCellInput(graphene.InputObjectType):
    """What a cell shall hold; `seen` are the ids that stood there, left out: whatever stands there is replaced."""

    staff_id = graphene.UUID(required=True)
    day = graphene.Date(required=True)
    items = graphene.List(graphene.NonNull(RosterItemInput), required=True)
    seen = graphene.List(graphene.NonNull(graphene.UUID))


class RefusedCell(graphene.ObjectType):
    """A cell that stayed as it was, and why."""

    staff_id = Id
    day = graphene.NonNull(graphene.Date)
    code = Text
    sentence = Text


class WarnedCell(graphene.ObjectType):
    """A cell that was done, and why somebody should look at it: on_leave."""

    staff_id = Id
    day = graphene.NonNull(graphene.Date)
    code = Text
    sentence = Text
    leave_id = Id


class ChangeRoster(RosterMutation):
    """Set what cells hold, each by itself: refused ones are named, and those of people on leave. At most 5,000 at once."""

    class Arguments:
        cells = graphene.List(graphene.NonNull(RosterCellInput), required=True)

    made = graphene.List(graphene.NonNull(AssignmentType))
    refused = graphene.List(graphene.NonNull(RefusedCell))
    warnings = graphene.List(graphene.NonNull(WarnedCell))

    @classmethod
    def perform(cls, context: Context, *, cells: list[Any]) -> dict[str, Any]:
        if len(cells) > 5000:
            raise Invalid("一次最多修改 5,000 格。", field="cells")
        changes = [
            operations.CellChange(
                c["staff_id"],
                c["day"],
                tuple(operations.Item(i.get("shift_id"), i.get("post_id"), i.get("place_id")) for i in c["items"]),
                frozenset(c["seen"]) if c.get("seen") is not None else None,
            )
            for c in cells
        ]
        outcome = operations.change_cells(cells=changes, **common(context))
        return {"made": outcome.made, "refused": outcome.refused, "warnings": outcome.warnings}


class PublishRoster(RosterMutation):
    """Publish the drafts of days, both included: instances are made and the workers are told."""

    class Arguments:
        first_day = graphene.Date(required=True)
        last_day = graphene.Date(required=True)
        party_id = graphene.UUID()
        post_id = graphene.UUID()

    published = graphene.Int()
    refused = graphene.List(graphene.NonNull(RefusedCell))
    warnings = graphene.List(graphene.NonNull(WarnedCell))

    @classmethod
    def perform(cls, context: Context, *, first_day: date, last_day: date, **given: Any) -> dict[str, Any]:
        checked(first_day, last_day)
        done = operations.publish(first=first_day, last=last_day, **given, **common(context))
        return {"published": len(done.assignments), "refused": done.refused, "warnings": done.warnings}


class CopyRoster(RosterMutation):
    """Copy days onto others of the same number; filled cells stay."""

    class Arguments:
        source_first = graphene.Date(required=True)
        target_first = graphene.Date(required=True)
        days = graphene.Int(required=True)
        party_id = graphene.UUID()
        post_id = graphene.UUID()

    copied = graphene.Int()
    refused = graphene.List(graphene.NonNull(RefusedCell))
    warnings = graphene.List(graphene.NonNull(WarnedCell))

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        outcome = operations.copy_period(**given, **common(context))
        return {"copied": len(outcome.cells), "refused": outcome.refused, "warnings": outcome.warnings}


class AskLeave(RosterMutation):
    """Ask for leave, for oneself or (who makes the roster) for another."""

    class Arguments:
        kind = graphene.String(required=True)
        starts_at = graphene.DateTime(required=True)
        ends_at = graphene.DateTime(required=True)
        reason = graphene.String()
        staff_id = graphene.UUID()
        evidence_id = graphene.UUID()
        client_key = graphene.String(description=CLIENT_KEY)

    leave = graphene.Field(LeaveType)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"leave": operations.ask_leave(**given, **common(context))}


class DecideLeave(RosterMutation):
    """Approve or refuse; never by who asked."""

    class Arguments:
        leave_id = graphene.UUID(required=True)
        approve = graphene.Boolean(required=True)
        note = graphene.String()

    leave = graphene.Field(LeaveType)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"leave": operations.decide_leave(**given, **common(context))}


class WithdrawLeave(RosterMutation):
    """Take a leave back that has not ended."""

    class Arguments:
        leave_id = graphene.UUID(required=True)

    leave = graphene.Field(LeaveType)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"leave": operations.withdraw_leave(**given, **common(context))}


class AskSwap(RosterMutation):
    """Ask a colleague to take a shift, or with `counterId` to change it for one of theirs."""

    class Arguments:
        assignment_id = graphene.UUID(required=True)
        taker_id = graphene.UUID(required=True)
        counter_id = graphene.UUID()
        reason = graphene.String()
        client_key = graphene.String(description=CLIENT_KEY)

    swap = graphene.Field(SwapType)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"swap": operations.ask_swap(**given, **common(context))}


class AnswerSwap(RosterMutation):
    """The colleague agrees or declines."""

    class Arguments:
        swap_id = graphene.UUID(required=True)
        accept = graphene.Boolean(required=True)

    swap = graphene.Field(SwapType)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"swap": operations.answer_swap(**given, **common(context))}


class DecideSwap(RosterMutation):
    """Approve (shifts change hands at once) or refuse; never by one of the two."""

    class Arguments:
        swap_id = graphene.UUID(required=True)
        approve = graphene.Boolean(required=True)
        note = graphene.String()

    swap = graphene.Field(SwapType)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"swap": operations.decide_swap(**given, **common(context))}


class WithdrawSwap(RosterMutation):
    """The asker takes it back while it is open."""

    class Arguments:
        swap_id = graphene.UUID(required=True)

    swap = graphene.Field(SwapType)

    @classmethod
    def perform(cls, context: Context, **given: Any) -> dict[str, Any]:
        return {"swap": operations.withdraw_swap(**given, **common(context))}


class StartRosterImport(RosterMutation):
    """Check a month's roster in the background. Poll `job`, then `confirmRosterImport`; nothing is written before."""

    class Arguments:
        file_name = graphene.String(required=True)
        content = graphene.String(required=True, description="The file in base64")

    job = graphene.Field(JobType)

    @classmethod
    def perform(cls, context: Context, *, file_name: str, content: str) -> dict[str, Any]:
        return {"job": flow.start(ROSTER, file_name=file_name, content=decoded(content), **common(context))}


class ConfirmRosterImport(RosterMutation):
    """Write what a finished check found, as drafts; wrong rows are left out. Twice is once."""

    class Arguments:
        job_id = graphene.UUID(required=True)

    job = graphene.Field(JobType)

    @classmethod
    def perform(cls, context: Context, *, job_id: UUID) -> dict[str, Any]:
        return {"job": flow.confirm(ROSTER, job_id=job_id, **common(context))}


class RostersMutation(graphene.ObjectType):
    """Writes of rosters. Scope: rosters:write."""

    save_shift = SaveShift.Field()
    retire_shift = RetireShift.Field()
    set_attendance_rule = SetAttendanceRule.Field()
    set_post_terms = SetPostTerms.Field()
    save_post_coverage = SavePostCoverage.Field()
    remove_post_coverage = RemovePostCoverage.Field()
    save_roster_pattern = SaveRosterPattern.Field()
    retire_roster_pattern = RetireRosterPattern.Field()
    use_roster_pattern = UseRosterPattern.Field()
    end_roster_pattern_use = EndRosterPatternUse.Field()
    remake_roster_pattern_use = RemakeRosterPatternUse.Field()
    change_roster = ChangeRoster.Field()
    publish_roster = PublishRoster.Field()
    copy_roster = CopyRoster.Field()
    ask_leave = AskLeave.Field()
    decide_leave = DecideLeave.Field()
    withdraw_leave = WithdrawLeave.Field()
    ask_swap = AskSwap.Field()
    answer_swap = AnswerSwap.Field()
    decide_swap = DecideSwap.Field()
    withdraw_swap = WithdrawSwap.Field()
    start_roster_import = StartRosterImport.Field()
    confirm_roster_import = ConfirmRosterImport.Field()
