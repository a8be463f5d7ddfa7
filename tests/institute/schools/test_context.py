"""T3: which school a thread works in. T17: nothing in the catalogue crosses the line between schools."""

from __future__ import annotations

import asyncio
import random
import threading

import pytest
from asgiref.sync import sync_to_async
from django.apps import apps
from django.conf import settings
from django.db import ProgrammingError, connection, connections

from institute.schools.queries import tenant_for
from kernel.tenancy import NoSchool, public_context, school_context
from tenants.findings.models import Finding

WHERE = "SELECT current_schema()"


def here() -> str:
    with connection.cursor() as cursor:
        cursor.execute(WHERE)
        return cursor.fetchone()[0]


def test_threads_stay_in_their_schools(committed: str) -> None:
    tenants = [tenant_for("s_alpha"), tenant_for("s_beta")]
    wrong: list[tuple[str, str]] = []
    blocks = [0]

    def walk(seed: int) -> None:
        dice = random.Random(seed)
        try:
            for _ in range(150):
                outer, inner = dice.choice(tenants), dice.choice(tenants)
                with school_context(outer):
                    if here() != outer.schema:
                        wrong.append((outer.schema, here()))
                    with school_context(inner):
                        if here() != inner.schema:
                            wrong.append((inner.schema, here()))
                    if here() != outer.schema:
                        wrong.append((outer.schema, here()))
                if here() != "public":
                    wrong.append(("public", here()))
                blocks[0] += 1
        finally:
            connections.close_all()

    threads = [threading.Thread(target=walk, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (wrong, blocks[0]) == ([], 600)


def test_a_new_thread_has_no_school_and_a_school_s_query_fails_there(committed: str) -> None:
    outcome: list[object] = []

    def work() -> None:
        try:
            outcome.append(Finding.objects.count())
        except ProgrammingError as refused:
            outcome.append(refused)
        finally:
            connections.close_all()

    with school_context(tenant_for("s_alpha")):
        assert Finding.objects.count() == 0
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert isinstance(outcome[0], ProgrammingError)


def test_async_code_that_leaves_the_thread_has_no_school(committed: str) -> None:
    def count() -> int:
        try:
            return Finding.objects.count()
        finally:
            connections.close_all()

    async def work() -> object:
        return await sync_to_async(count, thread_sensitive=False)()

    with school_context(tenant_for("s_alpha")), pytest.raises(ProgrammingError):
        asyncio.run(work())


def test_an_error_inside_leaves_the_school(alpha: object, beta: object) -> None:
    with pytest.raises(ValueError, match="inside"), school_context(beta):  # type: ignore[arg-type]
        raise ValueError("inside")
    assert here() == "s_alpha"


@pytest.mark.django_db
def test_public_is_no_school_and_a_closed_school_is_none() -> None:
    with pytest.raises(NoSchool):
        tenant_for("public")
    with pytest.raises(NoSchool):
        tenant_for("s_nobody")
    with public_context():
        assert here() == "public"


# --- T17 -------------------------------------------------------------------------------------------

CROSSING = {
    "foreign key": """
        SELECT k.conname FROM pg_constraint k JOIN pg_class a ON a.oid = k.conrelid JOIN pg_class b ON b.oid = k.confrelid
        WHERE k.contype = 'f' AND a.relnamespace <> b.relnamespace""",
    "view, rule, default, check or index": """
        SELECT DISTINCT coalesce(v.relname, t.relname) FROM pg_depend d
        JOIN pg_class b ON d.refclassid = 'pg_class'::regclass AND b.oid = d.refobjid
        LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
        LEFT JOIN pg_class v ON v.oid = r.ev_class
        LEFT JOIN pg_attrdef f ON d.classid = 'pg_attrdef'::regclass AND f.oid = d.objid
        LEFT JOIN pg_class t ON t.oid = f.adrelid
        WHERE coalesce(v.relnamespace, t.relnamespace) <> b.relnamespace
          AND b.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
          AND coalesce(v.relnamespace, t.relnamespace)
              NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)""",
    "trigger": """
        SELECT t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
        WHERE NOT t.tgisinternal AND p.pronamespace NOT IN (c.relnamespace, 'pg_catalog'::regnamespace)""",
    "sequence": """
        SELECT s.relname FROM pg_class s JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.oid
        AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') JOIN pg_class c ON c.oid = d.refobjid
        WHERE s.relkind = 'S' AND s.relnamespace <> c.relnamespace""",
    "inheritance": """
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
        WHERE c.relnamespace <> p.relnamespace""",
}


@pytest.mark.django_db
@pytest.mark.parametrize("kind", CROSSING)
def test_nothing_crosses_the_schema_line(kind: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(CROSSING[kind])
        assert cursor.fetchall() == []


def tables_of(schema: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema])
        return {row[0] for row in cursor.fetchall()}


@pytest.mark.django_db
def test_a_table_lives_in_public_or_in_schools_never_in_both() -> None:
    public, school = tables_of("public"), tables_of("s_alpha")
    assert public & school == {"django_migrations"}
    assert tables_of("s_beta") == school
    in_schools = {c.label for c in apps.get_app_configs() if c.name in settings.TENANT_APPS}
    for model in apps.get_models(include_auto_created=True):
        if model._meta.managed and not model._meta.proxy:
            home = school if model._meta.app_label in in_schools else public
            assert model._meta.db_table in home, model


@pytest.mark.django_db
def test_a_check_finds_what_it_looks_for() -> None:
    """Negative control: the queries above see a crossing when there is one."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE s_beta.probe (id uuid REFERENCES s_alpha.findings_finding, n int)")
        cursor.execute("CREATE VIEW s_beta.look AS SELECT id FROM s_alpha.findings_finding")
        cursor.execute("CREATE SEQUENCE s_alpha.counter")
        cursor.execute("ALTER TABLE s_beta.probe ALTER n SET DEFAULT nextval('s_alpha.counter')")
        cursor.execute("CREATE FUNCTION s_alpha.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'")
        cursor.execute("CREATE TRIGGER t BEFORE INSERT ON s_beta.probe FOR EACH ROW EXECUTE FUNCTION s_alpha.f()")
        found = {}
        for kind, query in CROSSING.items():
            cursor.execute(query)
            found[kind] = {row[0] for row in cursor.fetchall()}
    assert found["foreign key"] == {"probe_id_fkey"}
    assert found["view, rule, default, check or index"] == {"look", "probe"}
    assert found["trigger"] == {"t"}
