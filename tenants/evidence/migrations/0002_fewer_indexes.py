from django.db import migrations

INDEXES = (
    "evidence_evidence_sha256_b2f9ae02_like",
    "evidence_evidence_source_sha256_88f806f3_like",
)


class Migration(migrations.Migration):
    """No query needs the twin indexes for LIKE."""

    dependencies = [("evidence", "0001_initial")]
    operations = [
        migrations.RunSQL(
            f"DROP INDEX IF EXISTS {', '.join(INDEXES)}",
            migrations.RunSQL.noop,
        )
    ]
