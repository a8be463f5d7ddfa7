"""The first deadline is kept, waits for verification are chased, and a severity limits extensions. Expand only."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("findings", "0007_fewer_indexes"),
    ]

    operations = [
        migrations.AddField(
            model_name="finding",
            name="chased",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="finding",
            name="first_deadline",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="severityrule",
            name="extension_days",
            field=models.PositiveSmallIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="severityrule",
            name="extensions",
            field=models.PositiveSmallIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="severityrule",
            name="verify_hours",
            field=models.PositiveIntegerField(null=True),
        ),
    ]
