import django.db.models.deletion
from django.db import migrations, models

INDEX = "organisation_place_parent_id_0b3d5f4d"


class Migration(migrations.Migration):
    """A foreign key needs no index of its own where a composite leads with it."""

    dependencies = [("organisation", "0004_employment_changed_at")]
    operations = [
        migrations.RunSQL(
            f"DROP INDEX IF EXISTS {INDEX}",
            f"CREATE INDEX {INDEX} ON organisation_place (parent_id)",
            state_operations=[
                migrations.AlterField(
                    "place",
                    "parent",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="children",
                        to="organisation.place",
                    ),
                ),
            ],
        )
    ]
