import django.db.models.deletion
from django.db import migrations, models

INDEXES = (
    "organisation_post_party_id_86650bc2",
    "organisation_contract_number_7c55ae69_like",
    "organisation_linesetting_line_d0d13094_like",
    "organisation_place_code_ade4a4ea_like",
    "organisation_staff_id_card_index_4f7765a1_like",
    "organisation_staff_number_973787a6_like",
    "organisation_staff_phone_index_66035599_like",
)

UNDO = "CREATE INDEX organisation_post_party_id_86650bc2 ON organisation_post (party_id);"


class Migration(migrations.Migration):
    """A foreign key needs no index of its own where a composite leads with it; no query needs the twin indexes for LIKE."""

    dependencies = [("organisation", "0002_certificate_notices")]
    operations = [
        migrations.RunSQL(
            f"DROP INDEX IF EXISTS {', '.join(INDEXES)}",
            UNDO,
            state_operations=[
                migrations.AlterField(
                    "post",
                    "party",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="posts",
                        to="organisation.party",
                    ),
                ),
            ],
        )
    ]
