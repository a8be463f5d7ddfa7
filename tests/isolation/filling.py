"""One valid row per table, with a mark in every text column, so that whatever leaks can be recognised.

`Filler` knows no feature: it reads columns, keys, choices and check constraints from the models. What
it cannot know (a sealed column, JSON of a fixed shape, a path in the file store) stands in `VALUES`;
a table it cannot fill fails the tests by name.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import models, transaction
from django.db.models.fields import NOT_PROVIDED

from institute.schools.queries import tenant_for
from kernel import clock
from kernel.crypto import blind_index, seal
from kernel.ids import new_id
from tenants.organisation.personal import sealed_id_card, sealed_phone
from tests.factories.organisation import make_place


class CannotFill(AssertionError):
    """A table for which no valid row was found: add a line to VALUES."""


@dataclass(frozen=True)
class Marks:
    """What is written into the rows of one owner, and looked for in everybody else's answers."""

    long: str  # at least one per text column that has room
    short: str  # where the column is too narrow
    phone: str
    id_card: str
    email: str

    @property
    def words(self) -> tuple[str, ...]:
        return (self.long, self.short, self.phone, self.id_card, self.email)

    def text(self, width: int | None) -> str:
        if width is None or width >= len(self.long):
            return self.long
        return self.short[:width]


ALPHA = Marks("ALPHA哨兵7391", "QA739", "13800007391", "440106199003070015", "qa7391@alpha.test")
BETA = Marks("BETA哨兵8462", "QB846", "13900008462", "440106198507150027", "qb8462@beta.test")
# What the platform keeps about a school in public tables; the institute may see some of it.
ALPHA_PUBLIC = Marks("ALPHA公表4417", "PA441", "13700004417", "440106197903070011", "pa4417@alpha.test")
BETA_PUBLIC = Marks("BETA公表5531", "PB553", "13600005531", "440106197807150023", "pb5531@beta.test")
INSTITUTE = Marks("INSTITUTE哨兵2207", "QI220", "13500002207", "440106196903070017", "qi2207@institute.test")

PUBLISHED = Marks("公开资料", "公开", "13500001100", "440106195802070018", "published@institute.test")  # for everybody
# Another property company in the same school: its rows are not for the first one's people.
RIVAL = Marks("RIVAL他司哨兵9053", "QR905", "13400009053", "440106195902070012", "qr9053@rival.test")

Values = Callable[["Filler"], dict[str, Any]]
# What the filler cannot guess. Only columns whose shape or meaning the schema does not tell.
VALUES: dict[str, Values] = {}


def values_of(label: str) -> Callable[[Values], Values]:
    """Register what is particular about the row of one table ("organisation.Staff")."""

    def register(values: Values) -> Values:
        VALUES[label] = values
        return values

    return register


def tables_of(app_names: list[str]) -> list[type[models.Model]]:
    """Every model of these apps with a table of its own, join tables of many-to-many fields included."""
    found: list[type[models.Model]] = []
    for name in app_names:
        label = name if name in apps.app_configs else None
        config = apps.get_app_config(label) if label else next(c for c in apps.get_app_configs() if c.name == name)
        found += [m for m in config.get_models(include_auto_created=True) if m._meta.managed and not m._meta.proxy]
    return found


def tenant_models() -> list[type[models.Model]]:
    return tables_of(list(settings.TENANT_APPS))


OURS_IN_PUBLIC = ("identity", "institute.")


def public_models() -> list[type[models.Model]]:
    """Tables of the platform's own public features; the library is published, the rest is Django's."""
    return tables_of([name for name in settings.SHARED_APPS if name.startswith(OURS_IN_PUBLIC)])


def snake(model: type[models.Model]) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", model.__name__).lower()


@dataclass
class Filler:
    """Makes the rows of one owner (a school's schema, or a side of the public one) and remembers them."""

    marks: Marks
    schema: str
    account_id: UUID
    school_id: UUID | None = None
    provider_id: UUID | None = None
    rows: dict[type[models.Model], models.Model] = field(default_factory=dict)
    unfillable: list[str] = field(default_factory=list)
    _open: list[type[models.Model]] = field(default_factory=list)

    # --- Rows ---

    def row(self, model: type[models.Model]) -> models.Model:
        """The owner's row of this table, made at the first call."""
        if model not in self.rows:
            self._open.append(model)
            try:
                self.rows[model] = self._make(model)
            finally:
                self._open.pop()
        return self.rows[model]

    def fill(self, tables: list[type[models.Model]]) -> None:
        """Make the row of each table; one that cannot be filled is noted, and a test fails by its name."""
        for model in tables:
            try:
                self.row(model)
            except CannotFill as why:
                self.unfillable.append(str(why))

    def of(self, label: str) -> Any:
        """The owner's row by label, for VALUES."""
        return self.row(apps.get_model(label))

    def _make(self, model: type[models.Model]) -> models.Model:
        given = VALUES.get(model._meta.label, lambda _filler: {})(self)
        columns = {
            f.name: f for f in model._meta.concrete_fields if not isinstance(f, models.AutoField) and not f.generated
        }
        chosen: dict[str, Any] = {}
        for name, column in columns.items():
            key = name if name in given else column.attname
            chosen[name] = given[key] if key in given else self._value(model, column)
        instance = self._instance(model, columns, chosen)
        broken = self._broken(instance)
        if broken:
            instance, broken = self._repair(model, columns, chosen, set(given), broken)
        if broken:
            raise CannotFill(f"{model._meta.label}: {[c.name for c in broken]}; add its values to VALUES")
        try:
            with transaction.atomic():
                instance.save(force_insert=True)
        except Exception as refused:
            raise CannotFill(f"{model._meta.label}: {refused}; add its values to VALUES") from refused
        instance.refresh_from_db()
        return instance

    @staticmethod
    def _instance(model: type[models.Model], columns: dict[str, Any], chosen: dict[str, Any]) -> models.Model:
        by_attribute = {(columns[n].attname if not isinstance(v, models.Model) else n): v for n, v in chosen.items()}
        return model(**by_attribute)

    @staticmethod
    def _broken(instance: models.Model) -> list[Any]:
        broken = []
        for constraint in instance._meta.constraints:
            if isinstance(constraint, models.CheckConstraint):
                try:
                    constraint.validate(type(instance), instance)
                except ValidationError:
                    broken.append(constraint)
        return broken

    def _repair(
        self,
        model: type[models.Model],
        columns: dict[str, Any],
        chosen: dict[str, Any],
        fixed: set[str],
        broken: list[Any],
    ) -> tuple[models.Model, list[Any]]:
        """Try other values of the columns that the broken constraints name, the mildest change first."""
        names: list[str] = []
        for constraint in broken:
            for name in _columns_in(constraint.condition):
                name = next((n for n, c in columns.items() if name in {n, c.attname}), name)
                if name in columns and name not in fixed and name not in names:
                    names.append(name)
        told: dict[str, list[Any]] = {}
        for constraint in broken:
            for name, value in _values_in(constraint.condition):
                told.setdefault(name, []).append(value)
        offers = [[chosen[n], *told.get(n, []), *self._others(columns[n], chosen[n])] for n in names]
        for offer in itertools.islice(itertools.product(*offers), 5000):
            instance = self._instance(model, columns, {**chosen, **dict(zip(names, offer, strict=True))})
            still = self._broken(instance)
            if not still:
                return instance, []
        return self._instance(model, columns, chosen), broken

    # --- Values ---

    def _value(self, model: type[models.Model], column: Any) -> Any:
        if isinstance(column, models.ForeignKey | models.OneToOneField):
            target = column.related_model
            if target in self._open or (column.null and target is model):
                return None
            return self.row(target)
        if column.name == "id" and column.has_default():
            return column.get_default()
        if isinstance(column, ArrayField):
            return [self._plain(model, column.base_field)]
        return self._plain(model, column)

    def _plain(self, model: type[models.Model], column: Any) -> Any:
        name = column.name
        if column.choices:
            default = column.get_default() if column.has_default() else None
            return default or next(code for code, _label in column.flatchoices)
        if isinstance(column, models.BinaryField):
            return seal(self.marks.long, schema=self.schema, context=f"{model._meta.db_table}.{name}")
        if isinstance(column, models.UUIDField):
            return self._id(name)
        if isinstance(column, models.JSONField):
            default = column.get_default() if column.has_default() else {}
            return [self.marks.long] if isinstance(default, list) else {"note": self.marks.long}
        if isinstance(column, models.EmailField):
            return self.marks.email
        if isinstance(column, models.FileField) or name == "path" or name.endswith("_path"):
            return self.stored(f"{model._meta.label_lower}-{name}.txt")
        if isinstance(column, models.CharField | models.TextField):
            return self._text(column)
        if isinstance(column, models.BooleanField):
            return column.get_default() if column.has_default() else True
        if isinstance(column, models.DateTimeField):
            return clock.now() - timedelta(hours=1)
        if isinstance(column, models.DateField):
            return clock.now().astimezone(clock.SHANGHAI).date()
        if isinstance(column, models.TimeField):
            return datetime.min.time().replace(hour=9)
        if isinstance(column, models.DurationField):
            return timedelta(hours=1)
        if isinstance(column, models.DecimalField):
            return Decimal(1)
        if isinstance(column, models.FloatField):
            return 1.0
        if isinstance(column, models.IntegerField):
            return 1
        if column.null:
            return None
        if column.has_default() and column.default is not NOT_PROVIDED:
            return column.get_default()
        raise CannotFill(f"{model._meta.label}.{name}: unknown kind {type(column).__name__}")

    def _text(self, column: Any) -> str:
        name, width = column.name, column.max_length
        if name == "sha256" or name.endswith(("_hash", "digest")):
            return blind_index(name, schema=self.schema, context=self.marks.long)[: width or 64]
        if name.endswith("_index"):
            return blind_index(self.marks.phone, schema=self.schema, context=name)[: width or 64]
        if name.endswith("_masked"):
            return "***"
        return self.marks.text(width)

    def _id(self, name: str) -> UUID | None:
        """An id of the owner that fits the column's name; a fresh one where it points to nothing known."""
        if name == "school_id":
            return self.school_id
        if name == "provider_id":
            return self.provider_id
        model = model_named(name)
        if model is not None and model not in self._open and self.owns(model):
            pk = self.row(model).pk
            return pk if isinstance(pk, UUID) else new_id()
        if re.search(r"account_id|_by$|owner_id|verifier_id|reviewer_id", name):
            return self.account_id
        return new_id()

    def owns(self, model: type[models.Model]) -> bool:
        tenant = model._meta.app_config.name in settings.TENANT_APPS  # type: ignore[union-attr]
        return tenant == (self.schema != "public")

    def stored(self, name: str) -> str:
        """The path of a small file with the owner's mark in it."""
        return default_storage.save(f"{self.schema}/isolation/{name}", ContentFile(self.marks.long.encode()))

    @staticmethod
    def _others(column: Any, value: Any) -> list[Any]:
        """Other values a column may hold, tried when a check constraint says no."""
        others: list[Any] = []
        if column.choices:
            others += [code for code, _label in column.flatchoices if code != value]
        elif isinstance(column, models.BooleanField):
            others.append(not value)
        elif isinstance(column, models.DateTimeField | models.DateField) and isinstance(value, date | datetime):
            others += [value + timedelta(days=1), value - timedelta(days=1)]
        elif isinstance(column, models.DecimalField | models.IntegerField | models.FloatField):
            others += [0, 2, 100]
        elif isinstance(column, models.UUIDField):
            others.append(new_id())
        if column.null:
            others.append(None)
        if isinstance(column, models.CharField | models.TextField) and column.blank:
            others.append("")
        return others


def _columns_in(condition: Any) -> Iterator[str]:
    """The column names that a Q or expression mentions."""
    if isinstance(condition, models.Q):
        for child in condition.children:
            if isinstance(child, tuple):
                yield child[0].split("__")[0]
                yield from _columns_in(child[1])
            else:
                yield from _columns_in(child)
    elif isinstance(condition, models.F):
        yield condition.name.split("__")[0]
    elif hasattr(condition, "get_source_expressions"):
        for part in condition.get_source_expressions():
            if part is not None:
                yield from _columns_in(part)


def _values_in(condition: Any) -> Iterator[tuple[str, Any]]:
    """Plain values that a Q compares columns with: `x="a"` and `x__in=[…]`."""
    if isinstance(condition, models.Q):
        for child in condition.children:
            if not isinstance(child, tuple):
                yield from _values_in(child)
            elif isinstance(child[1], str | int | Decimal) and "__" not in child[0]:
                yield child[0], child[1]
            elif child[0].endswith("__in"):
                yield from ((child[0].removesuffix("__in"), value) for value in child[1])


def model_named(name: str) -> type[models.Model] | None:
    """The model that an id column or argument is named after: `rubric_item_id` → rubrics.Item."""
    words = re.sub(r"_(id|ids|pk|uuid)$", "", name).split("_")
    known = {snake(m): m for m in [*public_models(), *tenant_models()]}
    for start in range(len(words)):
        for tail in ("_".join(words[start:]), "_".join(words[start:]).rstrip("s")):
            if tail in known:
                return known[tail]
    return None


def hangs_on_a_company(model: type[models.Model], seen: frozenset[type[models.Model]] = frozenset()) -> bool:
    """Whether a row of this table belongs to a party (责任单位), directly or through another row."""
    if model in seen or model._meta.label == "organisation.LineSetting":  # which is the school's, one per line
        return False
    for column in model._meta.concrete_fields:
        target = column.related_model if column.is_relation else None
        if target is None and column.name.endswith(("_id", "_ids")):  # `points` is a number, not a row of Point
            target = model_named(column.name)
        if column.name == "party_id" or model._meta.label == "organisation.Party":
            return True
        if isinstance(target, type) and target is not model and hangs_on_a_company(target, seen | {model}):
            return True
    return False


# --- What the schema does not tell ------------------------------------------------------------------


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
