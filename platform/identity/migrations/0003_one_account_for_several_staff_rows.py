from django.db import migrations, models


class Migration(migrations.Migration):
    """Who has two contracts with one party, or works for two departments, is a member twice with one account."""

    dependencies = [("identity", "0002_limit")]
    operations = [
        migrations.RemoveConstraint(model_name="membership", name="identity_membership_once"),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.UniqueConstraint(
                fields=("account", "school_id", "role", "provider_id", "staff_id"),
                name="identity_membership_once",
                nulls_distinct=False,
            ),
        ),
    ]
