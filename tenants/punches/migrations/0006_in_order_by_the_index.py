from django.db import migrations, models


class Migration(migrations.Migration):
    """The first and the last punch of a stretch come from the index in their order, also those of one instant.

    Sorting them was a tenth of deriving a month.
    """

    dependencies = [("punches", "0005_photo_of_one_punch")]
    operations = [
        migrations.RemoveIndex("punch", "punches_punch_staff"),
        migrations.AddIndex("punch", models.Index(fields=["staff", "at", "id"], name="punches_punch_staff")),
    ]
