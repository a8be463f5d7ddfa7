from django.db import migrations, models


class Migration(migrations.Migration):
    """What the calendar said of a day when rosters last followed it."""

    dependencies = [("rosters", "0002_leave_withdrawn_at")]
    operations = [
        migrations.CreateModel(
            name="FollowedDay",
            fields=[
                ("day", models.DateField(primary_key=True, serialize=False)),
                ("works", models.BooleanField()),
                ("made_up", models.BooleanField(default=False)),
                ("changed_at", models.DateTimeField(null=True)),
                ("remade", models.PositiveIntegerField(default=0)),
            ],
            options={"verbose_name": "校历变动", "ordering": ["day"]},
        ),
    ]
