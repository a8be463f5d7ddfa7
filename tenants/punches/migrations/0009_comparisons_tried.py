from django.db import migrations, models


class Migration(migrations.Migration):
    """How often a comparison of photos was begun. Expands only."""

    dependencies = [
        ("punches", "0008_seen_under_a_call"),
    ]

    operations = [
        migrations.AddField("photocheck", "tries", models.PositiveSmallIntegerField(default=0, db_default=0)),
    ]
