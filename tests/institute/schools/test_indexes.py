"""A school has no index it does not need, whenever it was opened."""

from __future__ import annotations

from django.db import connection

from institute.schools import upgrade
from institute.schools.models import SchemaRecord
from kernel import clock
from kernel.tenancy import Tenant
from tests.factories.schools import make_school

LED = """
SELECT single.relname, string_agg(DISTINCT wider.relname, ', ')
FROM pg_index i
JOIN pg_class single ON single.oid = i.indexrelid AND single.relnamespace = 's_template'::regnamespace
JOIN pg_index j ON j.indrelid = i.indrelid AND j.indexrelid <> i.indexrelid
JOIN pg_class wider ON wider.oid = j.indexrelid
WHERE i.indnatts = 1 AND NOT i.indisunique AND i.indpred IS NULL AND i.indkey[0] <> 0
  AND j.indnatts > 1 AND j.indpred IS NULL AND j.indkey[0] = i.indkey[0] AND j.indclass[0] = i.indclass[0]
GROUP BY single.relname
"""
# What the schools of the first release have, and what is asked of them today.
OF_OLD = (
    "CREATE INDEX findings_finding_party_id_9ab266c9 ON {0}.findings_finding (party_id)",
    "CREATE INDEX findings_finding_place_id_054347fc ON {0}.findings_finding (place_id)",
    "CREATE INDEX findings_stepphoto_step_id_451694f9 ON {0}.findings_stepphoto (step_id)",
    "CREATE INDEX findings_finding_number_b070725d_like ON {0}.findings_finding (number varchar_pattern_ops)",
    "CREATE INDEX findings_severityrule_severity_230ccc52_like ON {0}.findings_severityrule (severity varchar_pattern_ops)",
    "CREATE INDEX organisation_place_parent_id_0b3d5f4d ON {0}.organisation_place (parent_id)",
    "CREATE INDEX punches_fence_post_id_cfdac763 ON {0}.punches_fence (post_id)",
    "DELETE FROM {0}.django_migrations WHERE (app, name) IN (('findings', '0007_fewer_indexes'), "
    "('organisation', '0005_fewer_indexes_of_places'), ('punches', '0003_fewer_indexes'))",
)


def test_no_column_has_an_index_of_its_own_where_a_wider_one_leads_with_it(alpha: Tenant) -> None:
    with connection.cursor() as cursor:
        cursor.execute(LED)
        assert dict(cursor.fetchall()) == {}


def test_schools_opened_before_and_after_are_the_same(committed: str) -> None:
    old, new = make_school("before"), make_school("after")
    with connection.cursor() as cursor:
        for statement in OF_OLD:
            cursor.execute(statement.format(f'"{old.schema_name}"'))
    assert upgrade.verify_all(now=clock.now()) == [old.schema_name]  # what stood in the ledger as 结构不一致

    SchemaRecord.objects.filter(school=old).update(head="of the release before")
    assert upgrade.upgrade_all(clock=clock.now).upgraded == 1
    assert upgrade.verify_all(now=clock.now()) == []
    states = SchemaRecord.objects.filter(school__in=[old, new]).values_list("state", flat=True)
    assert set(states) == {"current"}
