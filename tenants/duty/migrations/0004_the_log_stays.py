from django.db import migrations, models

FUNCTIONS = """
CREATE FUNCTION duty_log_stays() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    RAISE EXCEPTION 'the log of a post is only added to' USING ERRCODE = 'integrity_constraint_violation';
END $body$;
"""
TRIGGERS = """
CREATE TRIGGER duty_log_entry_stays BEFORE UPDATE OR DELETE ON duty_logentry
    FOR EACH ROW EXECUTE FUNCTION duty_log_stays();
CREATE TRIGGER duty_log_entry_kept BEFORE TRUNCATE ON duty_logentry
    FOR EACH STATEMENT EXECUTE FUNCTION duty_log_stays();
CREATE TRIGGER duty_seal_stays BEFORE UPDATE OR DELETE ON duty_seal
    FOR EACH ROW EXECUTE FUNCTION duty_log_stays();
CREATE TRIGGER duty_seal_kept BEFORE TRUNCATE ON duty_seal
    FOR EACH STATEMENT EXECUTE FUNCTION duty_log_stays();
"""
UNDO = """
DROP TRIGGER duty_log_entry_stays ON duty_logentry;
DROP TRIGGER duty_log_entry_kept ON duty_logentry;
DROP TRIGGER duty_seal_stays ON duty_seal;
DROP TRIGGER duty_seal_kept ON duty_seal;
DROP FUNCTION duty_log_stays();
"""


class Migration(migrations.Migration):
    """The log and its seals are append-only in the database; a seal proves its own data, under the school's key.

    Expands only: seals made before are of version 1 and still verify.
    """

    dependencies = [("duty", "0003_fair_calls_and_delivery")]

    operations = [
        migrations.AddField(
            "dutypost", "log_head", models.CharField(blank=True, db_default="", default="", max_length=64)
        ),
        migrations.AddField("seal", "version", models.PositiveSmallIntegerField(db_default=1, default=1)),
        migrations.AddField("seal", "mark", models.CharField(blank=True, db_default="", default="", max_length=64)),
        migrations.RunSQL(FUNCTIONS + TRIGGERS, UNDO),
    ]
