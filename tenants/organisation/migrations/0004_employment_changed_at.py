from django.db import migrations, models


class Migration(migrations.Migration):
    """When a date of employment was last changed: attendance derives the days between again."""

    dependencies = [("organisation", "0003_fewer_indexes")]
    operations = [
        migrations.AddField(model_name="staff", name="employment_changed_at", field=models.DateTimeField(null=True)),
    ]
