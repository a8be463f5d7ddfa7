from django.db import migrations, models
from django.db.models import Q

STATUSES = [
    ("due", "待巡"),
    ("seen", "已到点"),
    ("missed", "漏点"),
    ("explained", "漏点（说明待审核）"),
    ("accepted", "漏点（说明已认可）"),
    ("refused", "漏点（说明未认可）"),
    ("rescheduled", "漏点（已补巡）"),
]


class Migration(migrations.Migration):
    """Photos are compared outside of the judgement; explanations are accepted or refused."""

    dependencies = [("patrols", "0002_question_category")]
    operations = [
        migrations.AddField("tour", "copies", models.JSONField(null=True)),
        migrations.AddField("tour", "comparing_at", models.DateTimeField(null=True)),
        migrations.AddField("tour", "compared_at", models.DateTimeField(null=True)),
        migrations.AddField("stop", "explained_by", models.UUIDField(null=True)),
        migrations.AddField("stop", "reviewed_by", models.UUIDField(null=True)),
        migrations.AddField(
            "stop", "reviewed_by_name", models.CharField(max_length=60, blank=True, default="", db_default="")
        ),
        migrations.AddField("stop", "reviewed_at", models.DateTimeField(null=True)),
        migrations.AddField(
            "stop", "review_note", models.CharField(max_length=300, blank=True, default="", db_default="")
        ),
        migrations.AlterField("stop", "status", models.CharField(max_length=11, choices=STATUSES, default="due")),
        migrations.RemoveConstraint("stop", "patrols_stop_status_known"),
        migrations.AddConstraint(
            "stop",
            models.CheckConstraint(
                condition=Q(status__in=[code for code, _label in STATUSES]), name="patrols_stop_status_known"
            ),
        ),
    ]
