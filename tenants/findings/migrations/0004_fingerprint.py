"""复发指纹: one index answers whether the same was closed here not long ago; made while the school works."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("findings", "0003_repeats_extensions_and_ladders"),
    ]

    operations = [
        AddIndexConcurrently(
            "finding",
            models.Index(fields=["place", "party", "-closed_at"], name="findings_fingerprint"),
        ),
    ]
