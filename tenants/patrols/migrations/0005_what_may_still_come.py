from django.db import migrations, models


class Migration(migrations.Migration):
    """A tour nobody ended may still be reported; which finding names a missed stop, and whether a stopwatch timed it."""

    dependencies = [("patrols", "0004_photos_indexed")]
    operations = [
        migrations.AddField("tour", "abandoned_at", models.DateTimeField(null=True)),
        migrations.AddField("stop", "finding_id", models.UUIDField(null=True)),
        migrations.AddField("stop", "stopwatch", models.BooleanField(default=False, db_default=False)),
    ]
