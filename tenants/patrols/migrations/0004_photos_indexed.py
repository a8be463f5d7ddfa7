from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations


class Migration(migrations.Migration):
    """Which stop shows a photo: asked by the comparison and for every photo that is opened."""

    atomic = False
    dependencies = [("patrols", "0003_copies_and_reviews")]
    operations = [
        AddIndexConcurrently("stop", GinIndex(fields=["photo_ids"], name="patrols_stop_photos", fastupdate=False)),
    ]
