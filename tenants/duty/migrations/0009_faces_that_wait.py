from django.db import migrations, models


class Migration(migrations.Migration):
    """Answers whose face is still looked at are found by the round, should the message about it be lost."""

    dependencies = [("duty", "0008_awaited_and_out_of_reach")]
    operations = [
        migrations.AddIndex(
            model_name="summons",
            index=models.Index(
                condition=models.Q(("face", "pending")), fields=["id"], name="duty_summons_face_waiting"
            ),
        ),
        migrations.AddIndex(
            model_name="attempt",
            index=models.Index(
                condition=models.Q(("face", "pending")), fields=["id"], name="duty_attempt_face_waiting"
            ),
        ),
    ]
