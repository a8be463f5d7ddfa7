"""All companies of who fixed and of who closed: one account may stand for several, and none of them verifies itself."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("findings", "0004_fingerprint"),
    ]

    operations = [
        migrations.AddField(
            model_name="finding",
            name="closer_provider_ids",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.UUIDField(), db_default=[], default=list, size=None
            ),
        ),
        migrations.AddField(
            model_name="finding",
            name="fixer_provider_ids",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.UUIDField(), db_default=[], default=list, size=None
            ),
        ),
        migrations.AddConstraint(
            model_name="finding",
            constraint=models.CheckConstraint(
                condition=models.Q(("closer_provider_ids__overlap", models.F("fixer_provider_ids")), _negated=True),
                name="findings_no_fixing_company_ever_closes",
            ),
        ),
    ]
