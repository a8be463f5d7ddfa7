"""Who answered each item; expand only."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("inspections", "0004_programmes_and_calibrations"),
    ]

    operations = [
        migrations.AddField(
            model_name="result",
            name="answered_by",
            field=models.UUIDField(null=True),
        ),
        migrations.AddField(
            model_name="result",
            name="answered_by_name",
            field=models.CharField(blank=True, db_default="", default="", max_length=60),
        ),
    ]
