from django.db import migrations, models


class Migration(migrations.Migration):
    """When a leave was taken back: attendance derives its days again."""

    dependencies = [("rosters", "0001_initial")]
    operations = [
        migrations.AddField(model_name="leave", name="withdrawn_at", field=models.DateTimeField(null=True)),
    ]
