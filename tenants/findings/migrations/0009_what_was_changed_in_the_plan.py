"""修改计划或制度 names the change it means: an event of the timeline. Expand only."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("findings", "0008_first_deadline_and_verification"),
    ]

    operations = [
        migrations.AddField(
            model_name="finding",
            name="plan_event_id",
            field=models.BigIntegerField(null=True),
        ),
    ]
