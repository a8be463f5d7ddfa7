import django.db.models.deletion
from django.db import migrations, models

FUNCTION = """
CREATE FUNCTION attendance_results_keep_it() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    kept boolean;
BEGIN
    -- Whoever derives stands in this line (derive.lock): what it writes now is seen here, what comes later sees this.
    PERFORM pg_advisory_xact_lock(hashtextextended(TG_TABLE_SCHEMA, 7406));
    EXECUTE format('SELECT EXISTS (SELECT FROM %I.attendance_result WHERE %I = $1) AND NOT EXISTS'
        ' (SELECT FROM %I.%I WHERE id = $1)', TG_TABLE_SCHEMA, TG_ARGV[0], TG_TABLE_SCHEMA, TG_TABLE_NAME)
        INTO kept USING OLD.id;
    IF kept THEN
        RAISE EXCEPTION 'attendance_result: results of % % are there', TG_TABLE_NAME, OLD.id
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $body$;
"""
TRIGGERS = """
CREATE CONSTRAINT TRIGGER attendance_results_keep_instance AFTER DELETE OR UPDATE OF id ON rosters_shiftinstance
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION attendance_results_keep_it('instance_id');
CREATE CONSTRAINT TRIGGER attendance_results_keep_suspect AFTER DELETE OR UPDATE OF id ON attendance_suspect
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION attendance_results_keep_it('suspect_id');
"""
UNDO = """
DROP TRIGGER attendance_results_keep_instance ON rosters_shiftinstance;
DROP TRIGGER attendance_results_keep_suspect ON attendance_suspect;
DROP FUNCTION attendance_results_keep_it();
"""


class Migration(migrations.Migration):
    """Results are made from the instances themselves, by one statement under the school's line; nothing else writes them.

    So only the other side needs watching: no instance (and no suspect) goes while results name it. A foreign key asked
    the instance for every one of 60,000 results of a month, which was a quarter of deriving it.
    """

    dependencies = [("attendance", "0001_initial"), ("rosters", "0001_initial")]
    operations = [
        migrations.AlterField(
            "dayresult",
            "instance",
            models.OneToOneField(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="rosters.shiftinstance",
            ),
        ),
        migrations.AlterField(
            "dayresult",
            "suspect",
            models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="results",
                to="attendance.suspect",
            ),
        ),
        migrations.RunSQL(FUNCTION + TRIGGERS, UNDO),
    ]
