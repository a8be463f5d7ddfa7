from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models


class Migration(migrations.Migration):
    """Words by which copies of a photo are found; noted in the background for photos that are compared."""

    dependencies = [("evidence", "0002_fewer_indexes")]
    operations = [
        migrations.AddField("evidence", "look", ArrayField(models.IntegerField(), null=True)),
    ]
