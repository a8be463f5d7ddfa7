from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations


class Migration(migrations.Migration):
    """The index over the words."""

    atomic = False
    dependencies = [("evidence", "0003_looks")]
    operations = [
        AddIndexConcurrently("evidence", GinIndex(fields=["look"], name="evidence_look", fastupdate=False)),
    ]
