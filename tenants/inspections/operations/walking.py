"""The guided walk from start to finish."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from identity.contracts import Actor
from kernel.errors import DomainError, Invalid, NotAllowed, NotFound
from kernel.tenancy import Tenant
from tenants.findings import operations as findings
from tenants.findings.choices import FindingSource, FindingStatus, Severity
from tenants.findings.models import Finding
from tenants.findings.queries import category_of_item, of_source
from tenants.inspections import pace, policies
from tenants.inspections.choices import ChecklistKind, InspectionStatus, Verdict
from tenants.inspections.models import Checklist, Inspection, Recheck, Result
from tenants.inspections.operations.checklists import line_of
from tenants.inspections.operations.planning import tick_off
from tenants.inspections.sheets import arranged, cut
from tenants.organisation import queries as organisation
from tenants.rubrics import queries as rubrics
from tenants.rubrics.contracts import ItemContract, RubricContract
from tenants.timeline import numbers, once
from tenants.timeline.operations import record


class NotRunning(DomainError):
    code = "inspection_not_running"
    message = _("这次巡查已经结束，不能再修改。需要补充时请在问题页面说明，或另开一次巡查。")


class HasFindings(DomainError):
    code = "item_has_findings"
    message = _("该项已经开出问题。如为误判，请先在问题页面作废，再修改结论。")


class NothingSeen(DomainError):
    code = "nothing_seen"
    message = _("还没有检查任何一项，请先填写结果，或取消这次巡查。")


class CannotCancel(DomainError):
    code = "cannot_cancel"
    message = _("这次巡查已经开出问题，不能取消，请结束巡查。")


class PlaceOutside(DomainError):
    code = "place_outside"
    message = _("问题地点不在这次巡查的范围内，请选择范围内的地点。")


@transaction.atomic
def start(
    *,
    place_id: UUID,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    rubric_id: UUID | None = None,
    checklist_id: UUID | None = None,
    section_ids: Sequence[UUID] | None = None,
    item_ids: Sequence[UUID] | None = None,
    line: str = "",
    party_id: UUID | None = None,
    client_key: str = "",
) -> Inspection:
    """Start a walk by an active rubric, some of its sections or items, or a checklist.

    The sheet is frozen into the inspection with its digest, in the order of the checklist if by one. The party is the one of the service line
    unless named. Raises NotAllowed, NotFound, Invalid (line, rubric), SheetEmpty, PartyMissing.
    """
    if not policies.can_inspect(by):
        raise NotAllowed
    claim = once.claim(key=client_key, operation="inspections.start", by=by)
    if claim.result_id:
        return Inspection.objects.select_related("place", "party").get(pk=claim.result_id)
    checklist = None
    if checklist_id is not None:
        checklist = Checklist.objects.filter(pk=checklist_id, active=True).first()
        if checklist is None:
            raise NotFound
        rubric_id, line = checklist.rubric_id, line or checklist.line
    if rubric_id is None or not rubrics.active_rubrics().filter(pk=rubric_id).exists():
        raise Invalid(_("请选择一个启用中的评分标准或检查表。"), field="rubric")
    whole = rubrics.frozen(rubric_id)
    if section_ids:
        chosen = set(section_ids)
        item_ids = [i.id for s in whole.sections if s.id in chosen for i in s.items]
    sheet = arranged(whole, [UUID(i) for i in checklist.item_ids]) if checklist else cut(whole, item_ids)
    line = line_of(whole, line)
    place = organisation.place(place_id)
    party = organisation.party(party_id) if party_id else organisation.party_of_line(line)
    if party is None or not party.active:
        raise findings.PartyMissing(field="party")
    inspection = Inspection.objects.create(
        number=numbers.next_number(prefix="XC", day=now.astimezone(tenant.tz).date()),
        title=checklist.title if checklist else sheet.title,
        rubric_id=sheet.id,
        rubric_revision=sheet.revision,
        rubric_digest=sheet.digest,
        rubric=sheet.as_json(),
        checklist_id=checklist_id,
        kind=checklist.kind if checklist else ChecklistKind.ROUTINE,
        place_id=place.pk,
        party_id=party.pk,
        line=line,
        started_at=now,
        inspector_id=by.account_id,
        inspector_name=by.name,
    )
    Result.objects.bulk_create(
        [Result(inspection=inspection, item_id=item.id, position=n) for n, item in enumerate(sheet.items())]
    )
    inspection.place, inspection.party = place, party
    _record(inspection, "started", f"开始巡查：{place.full_name}，{inspection.title}", by)
    claim.keep(inspection.pk)
    return inspection


def _record(inspection: Inspection, verb: str, sentence: str, by: Actor, **payload: Any) -> None:
    record(
        verb=f"inspection.{verb}",
        sentence=f"{inspection.number} {sentence}"[:300],
        subject=inspection,
        by=by,
        place_id=inspection.place_id,
        party_id=inspection.party_id,
        **payload,
    )


def _locked(inspection_id: UUID, by: Actor) -> Inspection:
    inspection = (
        Inspection.objects.select_for_update(of=("self",))
        .select_related("place", "party")
        .filter(pk=inspection_id)
        .first()
    )
    if inspection is None or not policies.can_inspect(by):
        raise NotFound
    return inspection


def _running(inspection: Inspection, by: Actor) -> None:
    if inspection.status != InspectionStatus.RUNNING:
        raise NotRunning
    if not policies.can_answer(by, inspection):
        raise NotAllowed


def _item(inspection: Inspection, item_id: UUID) -> ItemContract:
    item = RubricContract.from_json(inspection.rubric).item(item_id)
    if item is None:
        raise NotFound
    return item


@transaction.atomic
def answer(
    *,
    inspection_id: UUID,
    item_id: UUID,
    verdict: str,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    note: str = "",
    occurrences: int = 1,
    severity: str = "",
    category: str = "",
    veto: bool = False,
    place_id: UUID | None = None,
    party_id: UUID | None = None,
    deadline: datetime | None = None,
    photo_ids: Sequence[UUID] = (),
    recorded_at: datetime | None = None,
    client_key: str = "",
) -> Result:
    """Write down one item: 合格, 不合格 or 不适用. A fail opens a finding; a second fail of the item another one.

    The finding takes place and party of the inspection unless named, the item's clause, the category named
    last for the item unless one is named now (复发 across sources goes by it), and its deadline by severity (critical by default for a veto item). Locks the inspection; the same
    `client_key` again changes nothing. Raises NotFound, NotRunning, NotAllowed, Invalid (verdict),
    HasFindings, PlaceOutside, and what opening a finding raises.
    """
    inspection = _locked(inspection_id, by)
    if once.claim_for(key=client_key, operation=f"inspections.answer:{item_id}", by=by, result_id=inspection_id):
        return Result.objects.get(inspection=inspection, item_id=item_id)
    _running(inspection, by)
    if verdict not in (Verdict.PASS, Verdict.FAIL, Verdict.NA):
        raise Invalid(_("请选择合格、不合格或不适用。"), field="verdict")
    item = _item(inspection, item_id)
    result = Result.objects.get(inspection=inspection, item_id=item_id)
    if verdict == Verdict.FAIL:
        where = _inside(inspection, place_id)
        found = _open(
            inspection, item, by=by, tenant=tenant, now=now, note=note, occurrences=occurrences, severity=severity,
            category=category, veto=veto, place_id=where, party_id=party_id, deadline=deadline, photo_ids=photo_ids,
        )  # fmt: skip
        result.faults += found.occurrences
    elif result.verdict == Verdict.FAIL:
        if _standing(inspection, item_id):
            raise HasFindings
        result.faults = 0
    result.verdict = verdict
    result.note = note.strip()[:300] or result.note
    result.answered_at, result.recorded_at = now, recorded_at
    result.answered_by, result.answered_by_name = by.account_id, by.name
    result.save()
    said = f"{Verdict(verdict).label}：{item.text}" + (f"（{result.note}）" if note.strip() else "")
    _record(inspection, "answered", said, by, item=str(item_id), verdict=verdict)
    return result


def _inside(inspection: Inspection, place_id: UUID | None) -> UUID:
    if place_id is None or place_id == inspection.place_id:
        return inspection.place_id
    if not organisation.place(place_id).path.startswith(inspection.place.path):
        raise PlaceOutside(field="place")
    return place_id


def _open(
    inspection: Inspection,
    item: ItemContract,
    *,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    note: str,
    occurrences: int,
    severity: str,
    category: str,
    veto: bool,
    place_id: UUID,
    party_id: UUID | None,
    deadline: datetime | None,
    photo_ids: Sequence[UUID],
) -> Finding:
    if veto and not item.veto:
        raise Invalid(_("该项不是一票否决项。"), field="veto")
    keys = item.veto_requirement_keys if veto and item.veto_requirement_keys else item.requirement_keys
    said = " ".join(note.split())
    return findings.open_finding(
        title=said if 2 <= len(said) <= 120 else item.text[:120],
        detail=note.strip() if len(said) > 120 else "",
        place_id=place_id,
        party_id=party_id or inspection.party_id,
        line=inspection.line,
        by=by,
        tenant=tenant,
        now=now,
        severity=severity or (Severity.CRITICAL if veto else Severity.MINOR),
        deadline=deadline,
        source=FindingSource.INSPECTION,
        source_id=inspection.pk,
        rubric_item_id=item.id,
        requirement_key=keys[0] if keys else "",
        edition=item.edition,
        category=category or category_of_item(item.id),
        occurrences=occurrences,
        veto=veto,
        photo_ids=photo_ids,
    )


@transaction.atomic
def clear_answer(*, inspection_id: UUID, item_id: UUID, by: Actor, tenant: Tenant, now: datetime) -> Result:
    """Take an answer back: the item is 未查 again. Not while it has findings that stand.

    Locks the inspection. Raises NotFound, NotRunning, NotAllowed, HasFindings.
    """
    inspection = _locked(inspection_id, by)
    _running(inspection, by)
    result = Result.objects.filter(inspection=inspection, item_id=item_id).first()
    if result is None:
        raise NotFound
    if result.verdict == Verdict.FAIL and _standing(inspection, item_id):
        raise HasFindings
    before = str(Verdict(result.verdict).label)
    result.verdict, result.faults, result.note, result.answered_at = Verdict.NONE, 0, "", None
    result.answered_by, result.answered_by_name = None, ""
    result.save()
    _record(inspection, "answer_cleared", f"撤回“{before}”：{_item(inspection, item_id).text}", by, item=str(item_id))
    return result


def _standing(inspection: Inspection, item_id: UUID | None = None) -> bool:
    opened = of_source(source=FindingSource.INSPECTION, source_ids=[inspection.pk])
    return any(f.status != FindingStatus.VOID and item_id in (None, f.rubric_item_id) for f in opened)


@transaction.atomic
def pass_rest(*, inspection_id: UUID, section_id: UUID, by: Actor, tenant: Tenant, now: datetime) -> int:
    """其余合格: mark what is still unanswered in one section as passed. Locks the inspection. Returns how many.

    Raises NotFound, NotRunning, NotAllowed.
    """
    inspection = _locked(inspection_id, by)
    _running(inspection, by)
    sheet = RubricContract.from_json(inspection.rubric)
    section = next((s for s in sheet.sections if s.id == section_id), None)
    if section is None:
        raise NotFound
    rest = Result.objects.filter(inspection=inspection, item_id__in=[i.id for i in section.items], verdict=Verdict.NONE)
    passed = rest.update(verdict=Verdict.PASS, answered_at=now, answered_by=by.account_id, answered_by_name=by.name)
    if passed:
        said = f"“{section.title}”其余 {passed} 项记为合格"
        _record(inspection, "rest_passed", said, by, section=str(section_id), items=passed)
    return passed


@transaction.atomic
def recheck(
    *,
    inspection_id: UUID,
    finding_id: UUID,
    solved: bool,
    by: Actor,
    tenant: Tenant,
    now: datetime,
    text: str = "",
    lesson: str = "",
    consequence: str = "",
    photo_ids: Sequence[UUID] = (),
    client_key: str = "",
) -> Recheck:
    """已解决 or 仍存在, for a finding open from before at this place. Locks inspection and finding.

    Raises NotFound, NotRunning, NotAllowed, PlaceOutside, and what findings.confirm_on_site raises.
    """
    inspection = _locked(inspection_id, by)
    operation = f"inspections.recheck:{finding_id}"
    if once.claim_for(key=client_key, operation=operation, by=by, result_id=inspection_id):
        return Recheck.objects.get(inspection=inspection, finding_id=finding_id)
    _running(inspection, by)
    finding = findings.confirm_on_site(
        finding_id=finding_id,
        solved=solved,
        by=by,
        tenant=tenant,
        now=now,
        text=text,
        lesson=lesson,
        consequence=consequence,
        photo_ids=photo_ids,
    )
    if not finding.place.path.startswith(inspection.place.path):
        raise PlaceOutside
    row, _made = Recheck.objects.update_or_create(
        inspection=inspection, finding_id=finding_id, defaults={"solved": solved, "at": now}
    )
    said = f"复核 {finding.number}：{'已解决' if solved else '仍存在'}"
    _record(inspection, "rechecked", said, by, finding=str(finding_id), solved=solved)
    return row


@transaction.atomic
def finish(
    *, inspection_id: UUID, by: Actor, tenant: Tenant, now: datetime, note: str = "", client_key: str = ""
) -> Inspection:
    """进行中 → 已完成. Items left open stay 未查 and are counted as such. Locks the inspection.

    Raises NotFound, NotRunning, NotAllowed, NothingSeen.
    """
    inspection = _locked(inspection_id, by)
    if once.claim_for(key=client_key, operation="inspections.finish", by=by, result_id=inspection_id):
        return inspection
    _running(inspection, by)
    counts = _counts(inspection)
    if not sum(counts[v] for v in (Verdict.PASS, Verdict.FAIL, Verdict.NA)) and not inspection.rechecks.exists():
        raise NothingSeen
    inspection.status, inspection.finished_at, inspection.note = InspectionStatus.DONE, now, note.strip()[:1000]
    inspection.save(update_fields=["status", "finished_at", "note"])
    said = (
        f"巡查完成：合格 {counts[Verdict.PASS]}，不合格 {counts[Verdict.FAIL]}，"
        f"不适用 {counts[Verdict.NA]}，未查 {counts[Verdict.NONE]}"
    )
    if pace.hasty(inspection, answered=sum(n for v, n in counts.items() if v != Verdict.NONE)):
        said += "；用时过短，不计入巡查覆盖"
    tick_off(inspection, tenant=tenant, now=now)
    _record(inspection, "finished", said, by, **{v or "none": n for v, n in counts.items()})
    return inspection


def _counts(inspection: Inspection) -> dict[str, int]:
    found = dict.fromkeys(Verdict.values, 0)
    for verdict in inspection.results.values_list("verdict", flat=True):
        found[verdict] += 1
    return found


@transaction.atomic
def cancel(*, inspection_id: UUID, by: Actor, tenant: Tenant, now: datetime, reason: str = "") -> Inspection:
    """进行中 → 已取消, while it has opened no finding. Locks the inspection.

    Raises NotFound, NotRunning, NotAllowed, CannotCancel.
    """
    inspection = _locked(inspection_id, by)
    _running(inspection, by)
    if _standing(inspection) or inspection.rechecks.exists():
        raise CannotCancel
    inspection.status, inspection.note = InspectionStatus.CANCELLED, reason.strip()[:1000]
    inspection.save(update_fields=["status", "note"])
    _record(inspection, "cancelled", f"取消巡查 {reason.strip()[:200]}".strip(), by)
    return inspection
