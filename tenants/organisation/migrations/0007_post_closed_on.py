from django.db import migrations, models


class Migration(migrations.Migration):
    """Since when a post is closed: what it asked for before keeps its hours and their shortfall."""

    dependencies = [("organisation", "0006_one_login_for_several_rows")]
    operations = [
        migrations.AddField(model_name="post", name="closed_on", field=models.DateField(null=True)),
    ]
