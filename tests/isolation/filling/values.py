"""What the schema does not tell: what is particular about the row of one table."""

from __future__ import annotations

import itertools
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from institute.schools.queries import tenant_for
from kernel import clock
from kernel.crypto import seal
from kernel.ids import new_id
from tenants.organisation.personal import sealed_id_card, sealed_phone
from tests.factories.organisation import make_place
from tests.isolation.filling.filler import Filler, values_of
from tests.isolation.filling.marks import ALPHA, RIVAL


@values_of("benchmarking.Fact")
def _fact(filler: Filler) -> dict[str, Any]:
    return {"grain": "month"}


_months = itertools.count(1)


@values_of("benchmarking.Publication")
def _publication(filler: Filler) -> dict[str, Any]:
    return {"month": date(2000, 1, 1) + timedelta(days=31 * next(_months))}  # one per month


@values_of("organisation.Place")
def _place(filler: Filler) -> dict[str, Any]:
    key = new_id()
    return {"id": key, "kind": "campus", "parent": None, "path": f"{key}/", "code": filler.marks.short}


@values_of("organisation.Party")
def _party(filler: Filler) -> dict[str, Any]:
    return {"kind": "contract", "provider_id": filler.provider_id}


@values_of("organisation.Contract")
def _contract(filler: Filler) -> dict[str, Any]:
    return {"lines": ["cleaning"], "ends_on": clock.now().date() + timedelta(days=300)}


@values_of("organisation.Post")
def _post(filler: Filler) -> dict[str, Any]:
    return {"certificates": ["health"]}


@values_of("rosters.Rule")
def _rule(filler: Filler) -> dict[str, Any]:
    return {"scope": "post", "party": None, "post": filler.of("organisation.Post")}


@values_of("punches.Punch")
def _punch(filler: Filler) -> dict[str, Any]:
    return {"device": None, "seq": None}


@values_of("attendance.Suspect")
def _suspect(filler: Filler) -> dict[str, Any]:
    return {"kind": "post", "refused": 8, "tried": 10, "status": "open", "reason": "outside"}


@values_of("attendance.DayResult")
def _judged(filler: Filler) -> dict[str, Any]:
    return {"mark": "late", "wait": "", "due_at": None, "trace": {}}


@values_of("attendance.Adjustment")
def _adjustment(filler: Filler) -> dict[str, Any]:
    return {"was": "late", "mark": "normal", "trace": {}}


@values_of("attendance.Correction")
def _correction(filler: Filler) -> dict[str, Any]:
    return {"status": "pending", "decided_by": None, "decided_at": None}


@values_of("attendance.Watermark")
def _watermark(filler: Filler) -> dict[str, Any]:
    return {"id": 1}


@values_of("punches.Fence")
def _fence(filler: Filler) -> dict[str, Any]:
    return {"shape": "circle", "latitude": 30.0, "longitude": 120.0, "radius_m": 80, "polygon": []}


@values_of("patrols.Tour")
def _tour(filler: Filler) -> dict[str, Any]:
    return {"doubts": [{"code": "burst", "sentence": filler.marks.long, "points": 40}], "copies": None}


@values_of("patrols.Stop")
def _patrol_stop(filler: Filler) -> dict[str, Any]:
    asked = {"id": "1", "text": filler.marks.long, "kind": "text", "unit": "", "low": None, "high": None}
    return {"asked": [asked], "answers": {"1": filler.marks.long}, "photo_ids": []}


@values_of("rosters.Pattern")
def _pattern(filler: Filler) -> dict[str, Any]:
    return {"cells": [None], "days": 1}


@values_of("organisation.Staff")
def _staff(filler: Filler) -> dict[str, Any]:
    return {
        **sealed_phone(filler.marks.phone, schema=filler.schema),
        **sealed_id_card(filler.marks.id_card, schema=filler.schema),
        "left_on": None,
    }


GRADES = [
    {"name": "优秀", "min": "90.00"},
    {"name": "良好", "min": "80.00"},
    {"name": "合格", "min": "60.00"},
    {"name": "不合格", "min": "0.00"},
]


@values_of("rubrics.Rubric")
def _rubric(filler: Filler) -> dict[str, Any]:
    return {"grades": GRADES, "lines": ["cleaning"], "decided": {}, "status": "active", "veto_cap": "59.99"}


@values_of("rubrics.Section")
def _section(filler: Filler) -> dict[str, Any]:
    return {"weight": Decimal(100), "removed_in": None}


@values_of("rubrics.Item")
def _item(filler: Filler) -> dict[str, Any]:
    return {"points": Decimal(100), "requirement_keys": [], "veto_requirement_keys": [], "removed_in": None}


@values_of("rubrics.RubricRevision")
def _revision(filler: Filler) -> dict[str, Any]:
    return {"content": sheet(filler), "revision": 1}


@values_of("inspections.Inspection")
def _inspection(filler: Filler) -> dict[str, Any]:
    return {"rubric": sheet(filler), "rubric_revision": 1, "status": "running", "finished_at": None}


@values_of("inspections.Result")
def _result(filler: Filler) -> dict[str, Any]:
    return {"item_id": filler.of("rubrics.Item").pk, "verdict": "fail", "faults": 1}


@values_of("inspections.Checklist")
def _checklist(filler: Filler) -> dict[str, Any]:
    return {"item_ids": [str(filler.of("rubrics.Item").pk)]}


@values_of("findings.Extension")
def _extension(filler: Filler) -> dict[str, Any]:
    asked = clock.now()
    return {"status": "pending", "granted": None, "before": asked, "wanted": asked + timedelta(days=1)}


@values_of("findings.LadderStep")
def _ladder_step(filler: Filler) -> dict[str, Any]:
    return {"severity": "minor", "level": 1, "after_hours": 0, "whom": ["party"]}


@values_of("findings.RepeatRule")
def _repeat_rule(filler: Filler) -> dict[str, Any]:
    return {"id": 1, "days": 90, "factor": Decimal("1.50")}


@values_of("patrols.PatrolRule")
def _patrol_rule(filler: Filler) -> dict[str, Any]:
    return {"id": 1, "make_ups": 2}


@values_of("inspections.Calibration")
def _calibration(filler: Filler) -> dict[str, Any]:
    opened = clock.now()
    return {"sheet": sheet(filler), "status": "open", "opens_at": opened, "closes_at": opened + timedelta(days=1)}


@values_of("inspections.Mark")
def _mark(filler: Filler) -> dict[str, Any]:
    return {"item_id": filler.of("rubrics.Item").pk, "verdict": "fail", "faults": 1, "photo_ids": []}


@values_of("inspections.Stop")
def _stop(filler: Filler) -> dict[str, Any]:
    given: dict[str, Any] = {"inspection_id": None, "done_at": None}
    if filler.marks == RIVAL:  # the school's one programme holds a place once
        given["place"] = make_place("两家都在的楼")  # places are the school's, nobody's secret
    return given


@values_of("evaluations.Round")
def _round(filler: Filler) -> dict[str, Any]:
    return {
        "sheet": sheet(filler),
        "status": "collecting",
        "result": None,
        "score": None,
        "digest": "",
        "closed_at": None,
    }


@values_of("evaluations.Source")
def _source(filler: Filler) -> dict[str, Any]:
    return {"scorers": [], "mode": "sheet", "takes_findings": True, "weight": Decimal(100)}


@values_of("evaluations.Entry")
def _entry(filler: Filler) -> dict[str, Any]:
    return {"not_applicable": {}}


@values_of("evaluations.Deduction")
def _deduction(filler: Filler) -> dict[str, Any]:
    return {"item_key": str(filler.of("rubrics.Item").pk), "evidence": []}


@values_of("jobs.Job")
def _job(filler: Filler) -> dict[str, Any]:
    from tenants.jobs import files

    tenant, key = tenant_for(filler.schema), new_id()
    kept = {"tenant": tenant, "job_id": key, "name": "file.xlsx", "data": filler.marks.long.encode()}
    return {"id": key, "state": "done", "input_path": files.store(**kept), "output_path": files.store(**kept)}


@values_of("applications.Application")
def _application(filler: Filler) -> dict[str, Any]:
    where = {"schema": "public"}
    return {
        "contact_email_sealed": seal(filler.marks.email, context="applications.contact_email", **where),
        "contact_phone_sealed": seal(filler.marks.phone, context="applications.contact_phone", **where),
        "line_modes": {"cleaning": "outsourced"},
        "returned_items": [filler.marks.short],
    }


@values_of("applications.Enquiry")
def _enquiry(filler: Filler) -> dict[str, Any]:
    where = {"schema": "public"}
    return {
        "email_sealed": seal(filler.marks.email, context="enquiry.email", **where),
        "phone_sealed": seal(filler.marks.phone, context="enquiry.phone", **where),
    }


@values_of("identity.AccessGrant")
def _grant(filler: Filler) -> dict[str, Any]:
    """Given and taken back: the matrix asks what the institute sees without a grant."""
    return {"scopes": ["findings"]}


@values_of("identity.ApiToken")
def _token(filler: Filler) -> dict[str, Any]:
    return {"scopes": ["findings:read"]}


@values_of("identity.Ticket")
def _ticket(filler: Filler) -> dict[str, Any]:
    return {"methods": [], "next_path": "/"}


def sheet(filler: Filler) -> dict[str, Any]:
    """The filler's rubric as rounds and inspections freeze it."""
    from tenants.rubrics.queries import frozen

    filler.of("rubrics.Item")
    return frozen(filler.of("rubrics.Rubric").pk).as_json()


@values_of("calendar.SeasonRule")
def _season_rule(filler: Filler) -> dict[str, Any]:
    return {"code": filler.marks.short.lower(), "starts": "06-01", "ends": "lidong"}


@values_of("calendar.CalendarYear")
def _calendar_year(filler: Filler) -> dict[str, Any]:
    return {"year": 2077 if filler.marks in (ALPHA, RIVAL) else 2088}


@values_of("duty.DutyPost")
def _duty_post(filler: Filler) -> dict[str, Any]:
    return {"quiet": [[720, 780]], "chain": [[0, "supervisor"]]}


@values_of("duty.CameraSystem")
def _camera_system(filler: Filler) -> dict[str, Any]:
    secret = seal("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", schema=filler.schema, context="duty_camerasystem.secret")
    return {"secret_sealed": secret}


@values_of("duty.Summons")
def _summons(filler: Filler) -> dict[str, Any]:
    return {"delivered_by": "phone"}


@values_of("duty.DeliveryHook")
def _delivery_hook(filler: Filler) -> dict[str, Any]:
    secret = seal("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", schema=filler.schema, context="duty_deliveryhook.secret")
    return {"id": 1, "url": "https://hook.invalid/", "secret_sealed": secret}


@values_of("duty.Stint")
def _stint(filler: Filler) -> dict[str, Any]:
    return {"lacking": ["health"]}
