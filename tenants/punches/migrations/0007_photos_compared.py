from django.db import migrations, models
from django.db.models import Q

STATES = [
    ("waiting", "待比对"),
    ("fresh", "未见重复"),
    ("alike", "照片待核对"),
    ("same", "是旧照片，未计入"),
    ("cleared", "不是旧照片"),
]


class Migration(migrations.Migration):
    """A photo that was re-saved or cropped and used again is shown to a human, beside the earlier one."""

    dependencies = [("punches", "0006_in_order_by_the_index")]
    operations = [
        migrations.CreateModel(
            name="PhotoCheck",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("photo_id", models.UUIDField()),
                ("earlier_id", models.BigIntegerField(null=True)),
                ("state", models.CharField(choices=STATES, default="waiting", max_length=8)),
                ("asked_at", models.DateTimeField()),
                ("compared_at", models.DateTimeField(null=True)),
                ("decided_at", models.DateTimeField(null=True)),
                ("decided_by", models.UUIDField(null=True)),
                ("decided_by_name", models.CharField(blank=True, max_length=60)),
                ("note", models.CharField(blank=True, max_length=200)),
                (
                    "punch",
                    models.OneToOneField(
                        on_delete=models.deletion.CASCADE, related_name="photo_check", to="punches.punch"
                    ),
                ),
            ],
            options={
                "verbose_name": "照片比对",
                "indexes": [
                    models.Index(condition=Q(state="waiting"), fields=["id"], name="punches_photo_waiting"),
                    models.Index(condition=Q(state="alike"), fields=["id"], name="punches_photo_alike"),
                    models.Index(condition=Q(state="same"), fields=["photo_id"], name="punches_photo_same"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(state__in=[code for code, _label in STATES]), name="punches_photo_state_known"
                    ),
                    models.CheckConstraint(
                        condition=~Q(state__in=("alike", "same")) | Q(earlier_id__isnull=False),
                        name="punches_photo_alike_to_what",
                    ),
                ],
            },
        ),
    ]
