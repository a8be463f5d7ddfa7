import django.db.models.deletion
from django.db import migrations, models

INDEX = "punches_fence_post_id_cfdac763"


class Migration(migrations.Migration):
    """A foreign key needs no index of its own where a composite leads with it."""

    dependencies = [("punches", "0002_people_checked_once_a_statement")]
    operations = [
        migrations.RunSQL(
            f"DROP INDEX IF EXISTS {INDEX}",
            f"CREATE INDEX {INDEX} ON punches_fence (post_id)",
            state_operations=[
                migrations.AlterField(
                    "fence",
                    "post",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="organisation.post",
                    ),
                ),
            ],
        )
    ]
