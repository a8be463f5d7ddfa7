from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models

SOURCES = [
    ("phone", "手机"),
    ("device", "考勤机"),
    ("system", "其他系统"),
    ("voucher", "主管见证"),
    ("import", "导入"),
    ("duty", "值班查岗"),
    ("correction", "补卡"),
]
KNOWN = "punches_punch_source_known"


class Migration(migrations.Migration):
    """An answered presence call is a punch of its own source. Expands only."""

    dependencies = [
        ("punches", "0007_photos_compared"),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="punch", name=KNOWN),
        migrations.AlterField("punch", "source", models.CharField(choices=SOURCES, max_length=10)),
        AddConstraintNotValid(
            model_name="punch",
            constraint=models.CheckConstraint(
                condition=models.Q(("source__in", [code for code, _label in SOURCES])), name=KNOWN
            ),
        ),
        ValidateConstraint(model_name="punch", name=KNOWN),
    ]
