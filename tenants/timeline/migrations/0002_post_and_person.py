"""Step 1 of 2: the columns. 0003 makes them followable."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("timeline", "0001_initial"),
    ]

    operations = [
        migrations.AddField("event", "post_id", models.UUIDField(null=True)),
        migrations.AddField("event", "staff_id", models.UUIDField(null=True)),
    ]
