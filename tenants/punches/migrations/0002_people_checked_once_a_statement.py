import django.db.models.deletion
from django.db import migrations, models

FUNCTIONS = """
CREATE FUNCTION punches_people_are_there() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    lost uuid;
BEGIN
    EXECUTE format(
        'WITH people AS MATERIALIZED (SELECT DISTINCT staff_id AS id FROM added), there AS MATERIALIZED'
        ' (SELECT s.id FROM %I.organisation_staff s WHERE s.id IN (SELECT id FROM people) FOR KEY SHARE)'
        ' SELECT id FROM people EXCEPT ALL SELECT id FROM there LIMIT 1', TG_TABLE_SCHEMA) INTO lost;
    IF lost IS NOT NULL THEN
        RAISE EXCEPTION 'punches_punch: no person %', lost USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $body$;
CREATE FUNCTION punches_person_is_there() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    there uuid;
BEGIN
    EXECUTE format('SELECT id FROM %I.organisation_staff WHERE id = $1 FOR KEY SHARE', TG_TABLE_SCHEMA)
        INTO there USING NEW.staff_id;
    IF there IS NULL THEN
        RAISE EXCEPTION 'punches_punch: no person %', NEW.staff_id USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $body$;
CREATE FUNCTION punches_person_stays() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    punched boolean;
BEGIN
    EXECUTE format('SELECT EXISTS (SELECT FROM %I.punches_punch WHERE staff_id = $1) AND NOT EXISTS'
        ' (SELECT FROM %I.organisation_staff WHERE id = $1)', TG_TABLE_SCHEMA, TG_TABLE_SCHEMA) INTO punched USING OLD.id;
    IF punched THEN
        RAISE EXCEPTION 'punches_punch: punches of person % are there', OLD.id USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $body$;
"""
TRIGGERS = """
CREATE TRIGGER punches_people_are_there AFTER INSERT ON punches_punch REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION punches_people_are_there();
CREATE TRIGGER punches_person_is_there AFTER UPDATE OF staff_id ON punches_punch
    FOR EACH ROW WHEN (OLD.staff_id <> NEW.staff_id) EXECUTE FUNCTION punches_person_is_there();
CREATE CONSTRAINT TRIGGER punches_person_stays AFTER DELETE OR UPDATE OF id ON organisation_staff
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION punches_person_stays();
"""
UNDO = """
DROP TRIGGER punches_people_are_there ON punches_punch;
DROP TRIGGER punches_person_is_there ON punches_punch;
DROP TRIGGER punches_person_stays ON organisation_staff;
DROP FUNCTION punches_people_are_there();
DROP FUNCTION punches_person_is_there();
DROP FUNCTION punches_person_stays();
"""


class Migration(migrations.Migration):
    """The person of a punch is still there, whoever writes: but looked up once per person and statement, not per punch.

    A foreign key fires a trigger and locks the person for every row: 10,000 times for the 2,000 people of a batch, a third
    of what the batch costs. These triggers refuse the same (with the same error) for the whole statement.
    """

    dependencies = [("punches", "0001_initial"), ("organisation", "0001_initial")]
    operations = [
        migrations.AlterField(
            "punch",
            "staff",
            models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="organisation.staff",
            ),
        ),
        migrations.RunSQL(FUNCTIONS + TRIGGERS, UNDO),
    ]
