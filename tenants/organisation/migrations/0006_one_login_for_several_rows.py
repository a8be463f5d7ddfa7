from django.db import migrations, models


class Migration(migrations.Migration):
    """Who works for two parties of the school has a row at each, and one login for both."""

    dependencies = [("organisation", "0005_fewer_indexes_of_places")]
    operations = [
        migrations.AlterField(model_name="staff", name="account_id", field=models.UUIDField(null=True)),
    ]
