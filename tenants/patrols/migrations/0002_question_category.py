"""A question says of what kind a bad answer is, so that a repeat is known. Expand only."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("patrols", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="question",
            name="category",
            field=models.CharField(
                blank=True,
                choices=[
                    ("hygiene", "卫生保洁"),
                    ("facility", "设施损坏"),
                    ("safety", "安全隐患"),
                    ("absent", "人员缺岗"),
                    ("service", "服务态度"),
                    ("record", "台账记录"),
                    ("other", "其他"),
                ],
                db_default="",
                default="",
                max_length=10,
                verbose_name="问题类别",
            ),
        ),
        migrations.AddConstraint(
            model_name="question",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("category", ""),
                    ("category__in", ["hygiene", "facility", "safety", "absent", "service", "record", "other"]),
                    _connector="OR",
                ),
                name="patrols_question_category_known",
            ),
        ),
    ]
