"""复发指纹: at which post, and what happened there. Expand only; findings of before have neither."""

from django.db import migrations, models
from django.db.models import Q

INCIDENTS = [
    ("off_post", "脱岗"),
    ("asleep", "睡岗"),
    ("away", "离岗超时"),
    ("short", "在岗人数不足"),
    ("uncertified", "无证上岗"),
    ("missed", "漏巡"),
]


class Migration(migrations.Migration):
    dependencies = [
        ("findings", "0009_what_was_changed_in_the_plan"),
    ]

    operations = [
        migrations.AddField("finding", "post_id", models.UUIDField(null=True)),
        migrations.AddField(
            "finding",
            "incident",
            models.CharField(max_length=12, choices=INCIDENTS, blank=True, default="", db_default=""),
        ),
        migrations.AddConstraint(
            "finding",
            models.CheckConstraint(
                condition=Q(incident="") | Q(incident__in=[code for code, _label in INCIDENTS]),
                name="findings_incident_known",
            ),
        ),
    ]
