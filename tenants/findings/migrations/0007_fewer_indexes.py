import django.db.models.deletion
from django.db import migrations, models

INDEXES = (
    "findings_finding_party_id_9ab266c9",
    "findings_finding_place_id_054347fc",
    "findings_stepphoto_step_id_451694f9",
    "findings_finding_number_b070725d_like",
    "findings_severityrule_severity_230ccc52_like",
)

UNDO = (
    "CREATE INDEX findings_finding_party_id_9ab266c9 ON findings_finding (party_id);"
    "CREATE INDEX findings_finding_place_id_054347fc ON findings_finding (place_id);"
    "CREATE INDEX findings_stepphoto_step_id_451694f9 ON findings_stepphoto (step_id);"
)


class Migration(migrations.Migration):
    """A foreign key needs no index of its own where a composite leads with it; no query needs the twins for LIKE."""

    dependencies = [("findings", "0006_attendance_is_a_source")]
    operations = [
        migrations.RunSQL(
            f"DROP INDEX IF EXISTS {', '.join(INDEXES)}",
            UNDO,
            state_operations=[
                migrations.AlterField(
                    "finding",
                    "party",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="organisation.party",
                    ),
                ),
                migrations.AlterField(
                    "finding",
                    "place",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="organisation.place",
                    ),
                ),
                migrations.AlterField(
                    "stepphoto",
                    "step",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="photos",
                        to="findings.step",
                    ),
                ),
            ],
        )
    ]
