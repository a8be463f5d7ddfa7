"""Two schools and the institute, every table filled; and the people who try to see more than their own."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from django.apps import apps
from django.db import models
from django.test import Client

from identity import operations as identity
from identity.choices import TOKEN_SCOPES, Role
from identity.contracts import Actor
from identity.models import Account, Membership
from institute.providers.models import Provider
from institute.schools.models import School
from institute.schools.queries import tenant_for
from kernel import clock
from kernel.ids import new_id
from kernel.tenancy import Tenant, school_context
from tests.factories.identity import make_account, make_member
from tests.isolation import filling
from tests.isolation.filling import (
    Filler,
    Marks,
    hangs_on_a_company,
    public_models,
    snake,
    tenant_models,
)

# Rows of these tables are made by hand (people, schools) or are shared by all sides on purpose.
MADE_HERE = {
    "schools.School": "two schools are there; what the institute notes about them is written below",
    "schools.Domain": "made with the school",
    "schools.Blueprint": "how schools are built, no school's data",
    "schools.MigrationScript": "how schools are built, no school's data",
    "schools.SchemaRecord": "made with the school",
    "identity.Account": "the people of this module",
    "identity.Membership": "the people of this module",
    "providers.Provider": "a company is known to every school by name and credit code",
}

# What the institute publishes to every school.
PUBLISHED = {"benchmarking.MetricDefinition", "benchmarking.Publication"}


@dataclass
class Side:
    """One school with its rows: in its own schema, and about it in public tables."""

    tenant: Tenant
    own: Filler
    public: Filler
    rival: Filler | None = None  # rows of another property company in the same school
    people: dict[Role, Account] = field(default_factory=dict)
    secrets: dict[str, list[str]] = field(default_factory=dict)  # argument name → what a stranger might have found

    @property
    def host(self) -> str:
        return f"{self.tenant.slug}.localhost"

    def row(self, label: str) -> Any:
        model = apps.get_model(label)
        return (self.own.rows.get(model) or self.public.rows.get(model)) if model else None

    def as_rival(self) -> Side:
        """The same school with the ids of the other company's rows, for those who may see one company only."""
        assert self.rival is not None
        return replace(self, own=self.rival)

    def rows(self) -> dict[type[models.Model], models.Model]:
        return {**self.public.rows, **self.own.rows}


@dataclass
class World:
    alpha: Side
    beta: Side
    institute: Filler
    people: dict[str, Account]
    provider: Provider
    token: str  # of alpha's admin, all scopes


def belongs_to_a_school(model: type[models.Model], seen: frozenset[type[models.Model]] = frozenset()) -> bool:
    """Whether a public row is about one school: it names the school, or hangs on a row that does."""
    if model in seen:
        return False
    for column in model._meta.concrete_fields:
        if column.name == "school_id" or (column.is_relation and column.related_model is School):
            return True
        if column.is_relation and belongs_to_a_school(column.related_model, seen | {model}):  # type: ignore[arg-type]
            return True
    return False


def build() -> World:
    """Fill both schools and the institute. Runs in public, in a database of its own."""
    provider = Provider.objects.create(name="共用物业公司", credit_code="91440101MA5TEST00X")
    institute_admin = make_account("研究院管理员", username="institute-admin")
    make_member(Role.INSTITUTE_ADMIN, account=institute_admin)
    people = {"institute_admin": institute_admin}
    for role in (Role.INSTITUTE_REVIEWER, Role.INSTITUTE_ANALYST):
        people[role] = make_account(str(role.label), username=role)
        make_member(role, account=people[role])
    people["outsider"] = make_account("没有身份的人", username="outsider")
    people["both"] = make_account("两校都任职的人", username="both")
    people["provider"] = make_account("物业经理", username="provider", email="provider@company.test")

    institute = Filler(filling.INSTITUTE, "public", institute_admin.pk, provider_id=provider.pk)
    _preset(institute, Account=institute_admin, Provider=provider, School=None)
    published = Filler(filling.PUBLISHED, "public", institute_admin.pk)
    published.fill([m for m in public_models() if m._meta.label in PUBLISHED])
    institute.rows.update(published.rows)
    institute.fill([m for m in public_models() if m._meta.label not in MADE_HERE and not belongs_to_a_school(m)])
    sides = [
        _side("s_alpha", filling.ALPHA, filling.ALPHA_PUBLIC, institute, people),
        _side("s_beta", filling.BETA, filling.BETA_PUBLIC, institute, people),
    ]
    for side in sides:
        invited = identity.invite(
            email=side.public.marks.email.replace("@", "+invited@"), name="受邀人", role=Role.SCHOOL_SUPERVISOR,
            tenant=side.tenant, by=Actor.system(side.tenant.school_id), now=clock.now(),
        )  # fmt: skip
        side.secrets["token"] = [invited.url.rstrip("/").rsplit("/", 1)[1]]
    alpha = sides[0]
    admin = alpha.people[Role.SCHOOL_ADMIN]
    _row, token = identity.create_token(
        name="矩阵", scopes=list(TOKEN_SCOPES), days=30, now=clock.now(),
        by=Actor(admin.pk, admin.name, frozenset({Role.SCHOOL_ADMIN}), school_id=alpha.tenant.school_id),
    )  # fmt: skip
    return World(alpha, sides[1], institute, people, provider, token)


def _preset(filler: Filler, **rows: models.Model | None) -> None:
    known = {m.__name__: m for m in public_models()}
    filler.rows.update({known[name]: row for name, row in rows.items() if row is not None})


def _side(schema: str, own: Marks, public: Marks, institute: Filler, people: dict[str, Account]) -> Side:
    tenant, provider = tenant_for(schema), institute.of("providers.Provider")
    school = School.objects.get(pk=tenant.school_id)
    school.admin_name, school.admin_email, school.status_note = public.long, public.email, public.long
    school.save()
    accounts = {}
    for role in (Role.SCHOOL_ADMIN, Role.SCHOOL_LEADER, Role.SCHOOL_SUPERVISOR, Role.FRONTLINE):
        accounts[role] = make_account(f"{role.label}{public.long}", username=f"{tenant.slug}.{role}.{public.short}")
    about = Filler(public, "public", accounts[Role.SCHOOL_ADMIN].pk, tenant.school_id, provider.pk)
    mine = Filler(own, schema, accounts[Role.SCHOOL_ADMIN].pk, tenant.school_id, provider.pk)
    with school_context(tenant):
        mine.fill(tenant_models())
        rival = Filler(filling.RIVAL, schema, accounts[Role.SCHOOL_LEADER].pk, tenant.school_id, new_id())
        for model in tenant_models():
            if not hangs_on_a_company(model) and model in mine.rows:
                rival.rows[model] = mine.rows[model]
        rival.fill(tenant_models())
        staff = mine.of("organisation.Staff")
        staff.account_id = accounts[Role.FRONTLINE].pk
        staff.save(update_fields=["account_id"])
    for role, account in accounts.items():
        make_member(role, tenant=tenant, account=account, staff_id=staff.pk if role == Role.FRONTLINE else None)
    make_member(Role.SCHOOL_ADMIN, tenant=tenant, account=people["both"])
    make_member(Role.PROVIDER_MANAGER, tenant=tenant, account=people["provider"], provider_id=provider.pk)
    first = Membership.objects.get(account=accounts[Role.SCHOOL_ADMIN])
    about.rows.update(institute.rows)  # what belongs to no school is there once
    _preset(about, Account=accounts[Role.SCHOOL_ADMIN], Membership=first, School=school, Provider=provider)
    about.fill([m for m in public_models() if m._meta.label not in MADE_HERE and belongs_to_a_school(m)])
    return Side(tenant, mine, about, rival, accounts)


# --- Ids of one side, by the name of an argument -------------------------------------------------------

# Arguments whose name is not the name of a table. Each says whose ids or which words fit.
ALIASES: dict[str, tuple[str, ...]] = dict.fromkeys(
    ("photo_id", "photo_ids", "good_photo_id", "bad_photo_id", "evidence_ids", "file_ids"), ("evidence.Evidence",)
) | {"client_id": ("organisation.Staff",)}  # made by a phone: any UUID


class CannotGuess(AssertionError):
    """An argument for which the matrix has no value: name it after its table, or add it to ALIASES."""


def ids_of(side: Side, name: str, feature: str, where: str) -> list[Any]:
    """Primary keys of `side` that an argument `name` of a page or field of `feature` may ask for.

    By the argument's name first; a bare `id` or `pk` means any row of the feature.
    """
    rows = side.rows()
    if name in ALIASES:
        return [side.row(label).pk for label in ALIASES[name]]
    words = name.removesuffix("_ids").removesuffix("_id").removesuffix("_pk").split("_")
    for start in range(len(words)):
        tail = "_".join(words[start:])
        found = [row.pk for model, row in rows.items() if snake(model) in {tail, tail.rstrip("s")}]
        if found:
            return found
    tail = f"_{words[-1]}"  # grant_id → AccessGrant
    found = [row.pk for model, row in rows.items() if snake(model).endswith((tail, tail.rstrip("s")))]
    if found:
        return found
    found = [row.pk for model, row in rows.items() if model._meta.app_label == feature]
    if name in {"id", "ids", "pk", "key"} and found:
        return found
    raise CannotGuess(f"{where}: argument {name!r}")


# --- Who asks -----------------------------------------------------------------------------------------


@dataclass
class Visitor:
    """Somebody who asks, where, and what they must never read there."""

    name: str
    host: str
    account: Account | None
    forbidden: tuple[Marks, ...]
    token: str = ""
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    def sign_in(self) -> None:
        self.client = Client(raise_request_exception=False)
        if self.account is not None:
            self.client.force_login(self.account, backend="allauth.account.auth_backends.AuthenticationBackend")

    @property
    def of_institute(self) -> bool:
        """Somebody of the institute at work on its own host."""
        return self.name.startswith("institute") and self.host == "localhost"

    @property
    def headers(self) -> dict[str, str]:
        return {"host": self.host, **({"authorization": f"Bearer {self.token}"} if self.token else {})}


OTHERS = (filling.BETA, filling.BETA_PUBLIC, filling.INSTITUTE)
ALL_MARKS = (filling.ALPHA, filling.ALPHA_PUBLIC, filling.RIVAL, *OTHERS)
# What the institute keeps about schools is its work; what lies in a school's schema is not, without a grant.
SCHOOLS_OWN = (filling.ALPHA, filling.BETA, filling.RIVAL)


def visitors(world: World, host: str, *names: str) -> list[Visitor]:
    """Everybody of the matrix, on alpha's host ("school") or on the institute's ("public"); signed in if named or none is."""
    alpha = world.alpha
    where = alpha.host if host == "school" else "localhost"
    own = [
        Visitor(str(role.value), where, account, (*OTHERS, filling.RIVAL) if role == Role.FRONTLINE else OTHERS)
        for role, account in alpha.people.items()
    ]
    institute = (*OTHERS, filling.ALPHA, filling.RIVAL) if host == "school" else SCHOOLS_OWN
    found = [
        *own,
        Visitor("provider_manager", where, world.people["provider"], (*OTHERS, filling.RIVAL)),
        Visitor("member of both", where, world.people["both"], OTHERS),
        Visitor("institute_admin", where, world.people["institute_admin"], institute),
        Visitor("institute_reviewer", where, world.people[Role.INSTITUTE_REVIEWER], institute),
        Visitor("institute_analyst", where, world.people[Role.INSTITUTE_ANALYST], institute),
        Visitor("outsider", where, world.people["outsider"], ALL_MARKS),
        Visitor("anonymous", where, None, ALL_MARKS),
        Visitor("token", where, None, OTHERS, token=world.token),
    ]
    for visitor in found:
        if not names or visitor.name in names:
            visitor.sign_in()
    return found


def everything_told_to(side: Side) -> dict[str, str]:
    """Table → digest of all its rows: in the school's schema, and about the school in public."""
    from django.db import connection

    digests: dict[str, str] = {}
    with school_context(side.tenant), connection.cursor() as cursor:
        for model in tenant_models():
            table = f'"{side.tenant.schema}"."{model._meta.db_table}"'
            cursor.execute(
                f"SELECT count(*), md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {table} t"
            )
            digests[table] = str(cursor.fetchone())
        for model, row in side.public.rows.items():
            table, key = model._meta.db_table, model._meta.pk.column  # type: ignore[union-attr]
            cursor.execute(f'SELECT md5(t::text) FROM public."{table}" t WHERE t."{key}" = %s', [row.pk])
            digests[f"public.{table} {row.pk}"] = str(cursor.fetchone())
    return digests
