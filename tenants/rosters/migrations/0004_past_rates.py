from django.db import migrations, models


class Migration(migrations.Migration):
    """A new price of a post's hour changes no past day."""

    dependencies = [("rosters", "0003_followed_days"), ("organisation", "0007_post_closed_on")]
    operations = [
        migrations.CreateModel(
            name="PastRate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("until", models.DateField()),
                ("rate", models.DecimalField(decimal_places=2, max_digits=8)),
                (
                    "post",
                    models.ForeignKey(
                        db_index=False, on_delete=models.deletion.CASCADE, related_name="+", to="organisation.post"
                    ),
                ),
            ],
            options={"verbose_name": "以前的每小时费用", "ordering": ["post", "until"]},
        ),
        migrations.AddConstraint(
            model_name="pastrate",
            constraint=models.UniqueConstraint(fields=("post", "until"), name="rosters_past_rate_once"),
        ),
    ]
