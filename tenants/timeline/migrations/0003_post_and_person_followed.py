"""Step 2 of 2: one index each, only over the events that have the column, made while the school works."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("timeline", "0002_post_and_person"),
    ]

    operations = [
        AddIndexConcurrently(
            "event",
            models.Index(
                fields=["post_id", "-id"],
                name="timeline_event_post",
                condition=models.Q(post_id__isnull=False),
            ),
        ),
        AddIndexConcurrently(
            "event",
            models.Index(
                fields=["staff_id", "-id"],
                name="timeline_event_staff",
                condition=models.Q(staff_id__isnull=False),
            ),
        ),
    ]
