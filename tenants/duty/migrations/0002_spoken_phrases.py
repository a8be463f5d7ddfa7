from django.db import migrations, models


class Migration(migrations.Migration):
    """A call may be answered by a phrase instead of the gesture, spoken or held up. Expands only."""

    dependencies = [("duty", "0001_initial")]

    operations = [
        migrations.AddField(
            "summons", "phrase", models.CharField(blank=True, db_default="", default="", max_length=40)
        ),
        migrations.AddField("summons", "voice_id", models.UUIDField(null=True)),
    ]
