import django.db.models.deletion
from django.db import migrations, models

INDEXES = ("rubrics_rubricrevision_rubric_id_b77e0625",)

UNDO = "CREATE INDEX rubrics_rubricrevision_rubric_id_b77e0625 ON rubrics_rubricrevision (rubric_id);"


class Migration(migrations.Migration):
    """A foreign key needs no index of its own where a composite leads with it."""

    dependencies = [("rubrics", "0001_initial")]
    operations = [
        migrations.RunSQL(
            f"DROP INDEX IF EXISTS {', '.join(INDEXES)}",
            UNDO,
            state_operations=[
                migrations.AlterField(
                    "rubricrevision",
                    "rubric",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="revisions",
                        to="rubrics.rubric",
                    ),
                ),
            ],
        )
    ]
