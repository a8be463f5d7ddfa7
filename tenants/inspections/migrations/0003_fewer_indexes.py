import django.db.models.deletion
from django.db import migrations, models

INDEXES = (
    "inspections_inspection_party_id_879adf87",
    "inspections_inspection_place_id_c99140c8",
    "inspections_recheck_inspection_id_eaf5d0af",
    "inspections_result_inspection_id_1871db0d",
    "inspections_checklist_title_7717dbe4_like",
    "inspections_inspection_number_079e8624_like",
)

UNDO = (
    "CREATE INDEX inspections_inspection_party_id_879adf87 ON inspections_inspection (party_id);"
    "CREATE INDEX inspections_inspection_place_id_c99140c8 ON inspections_inspection (place_id);"
    "CREATE INDEX inspections_recheck_inspection_id_eaf5d0af ON inspections_recheck (inspection_id);"
    "CREATE INDEX inspections_result_inspection_id_1871db0d ON inspections_result (inspection_id);"
)


class Migration(migrations.Migration):
    """A foreign key needs no index of its own where a composite leads with it; no query needs the twin indexes for LIKE."""

    dependencies = [("inspections", "0002_lines_are_known")]
    operations = [
        migrations.RunSQL(
            f"DROP INDEX IF EXISTS {', '.join(INDEXES)}",
            UNDO,
            state_operations=[
                migrations.AlterField(
                    "inspection",
                    "party",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="organisation.party",
                    ),
                ),
                migrations.AlterField(
                    "inspection",
                    "place",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="organisation.place",
                    ),
                ),
                migrations.AlterField(
                    "recheck",
                    "inspection",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rechecks",
                        to="inspections.inspection",
                    ),
                ),
                migrations.AlterField(
                    "result",
                    "inspection",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="results",
                        to="inspections.inspection",
                    ),
                ),
            ],
        )
    ]
