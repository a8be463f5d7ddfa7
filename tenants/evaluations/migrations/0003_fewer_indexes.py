import django.db.models.deletion
from django.db import migrations, models

INDEXES = (
    "evaluations_area_round_id_099fd5ad",
    "evaluations_deduction_round_id_19138bcd",
    "evaluations_entry_source_id_9f9edac7",
    "evaluations_round_party_id_b354a14e",
    "evaluations_source_round_id_68146bed",
)

UNDO = (
    "CREATE INDEX evaluations_area_round_id_099fd5ad ON evaluations_area (round_id);"
    "CREATE INDEX evaluations_deduction_round_id_19138bcd ON evaluations_deduction (round_id);"
    "CREATE INDEX evaluations_entry_source_id_9f9edac7 ON evaluations_entry (source_id);"
    "CREATE INDEX evaluations_round_party_id_b354a14e ON evaluations_round (party_id);"
    "CREATE INDEX evaluations_source_round_id_68146bed ON evaluations_source (round_id);"
)


class Migration(migrations.Migration):
    """A foreign key needs no index of its own where a composite leads with it."""

    dependencies = [("evaluations", "0002_closed_rounds_stay")]
    operations = [
        migrations.RunSQL(
            f"DROP INDEX IF EXISTS {', '.join(INDEXES)}",
            UNDO,
            state_operations=[
                migrations.AlterField(
                    "area",
                    "round",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="areas",
                        to="evaluations.round",
                    ),
                ),
                migrations.AlterField(
                    "deduction",
                    "round",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deductions",
                        to="evaluations.round",
                    ),
                ),
                migrations.AlterField(
                    "entry",
                    "source",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="entries",
                        to="evaluations.source",
                    ),
                ),
                migrations.AlterField(
                    "round",
                    "party",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="organisation.party",
                    ),
                ),
                migrations.AlterField(
                    "source",
                    "round",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sources",
                        to="evaluations.round",
                    ),
                ),
            ],
        )
    ]
