from django.db import migrations

FUNCTIONS = """
CREATE FUNCTION evaluations_round_stays() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF OLD.status = 'closed' THEN
        RAISE EXCEPTION 'a closed round never changes' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $body$;
CREATE FUNCTION evaluations_part_stays() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    closed boolean;
BEGIN
    EXECUTE format('SELECT status = ''closed'' FROM %I.evaluations_round WHERE id = $1', TG_TABLE_SCHEMA)
        INTO closed USING CASE WHEN TG_OP = 'INSERT' THEN NEW.round_id ELSE OLD.round_id END;
    IF closed THEN
        RAISE EXCEPTION 'a closed round never changes' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $body$;
CREATE FUNCTION evaluations_entry_stays() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    closed boolean;
BEGIN
    EXECUTE format('SELECT r.status = ''closed'' FROM %I.evaluations_round r JOIN %I.evaluations_source s'
        ' ON s.round_id = r.id WHERE s.id = $1', TG_TABLE_SCHEMA, TG_TABLE_SCHEMA)
        INTO closed USING CASE WHEN TG_OP = 'INSERT' THEN NEW.source_id ELSE OLD.source_id END;
    IF closed THEN
        RAISE EXCEPTION 'a closed round never changes' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $body$;
"""
TRIGGERS = """
CREATE TRIGGER evaluations_round_stays BEFORE UPDATE OR DELETE ON evaluations_round
    FOR EACH ROW EXECUTE FUNCTION evaluations_round_stays();
CREATE TRIGGER evaluations_area_stays BEFORE INSERT OR UPDATE OR DELETE ON evaluations_area
    FOR EACH ROW EXECUTE FUNCTION evaluations_part_stays();
CREATE TRIGGER evaluations_source_stays BEFORE INSERT OR UPDATE OR DELETE ON evaluations_source
    FOR EACH ROW EXECUTE FUNCTION evaluations_part_stays();
CREATE TRIGGER evaluations_deduction_stays BEFORE INSERT OR UPDATE OR DELETE ON evaluations_deduction
    FOR EACH ROW EXECUTE FUNCTION evaluations_part_stays();
CREATE TRIGGER evaluations_entry_stays BEFORE INSERT OR UPDATE OR DELETE ON evaluations_entry
    FOR EACH ROW EXECUTE FUNCTION evaluations_entry_stays();
"""
UNDO = """
DROP TRIGGER evaluations_round_stays ON evaluations_round;
DROP TRIGGER evaluations_area_stays ON evaluations_area;
DROP TRIGGER evaluations_source_stays ON evaluations_source;
DROP TRIGGER evaluations_deduction_stays ON evaluations_deduction;
DROP TRIGGER evaluations_entry_stays ON evaluations_entry;
DROP FUNCTION evaluations_round_stays();
DROP FUNCTION evaluations_part_stays();
DROP FUNCTION evaluations_entry_stays();
"""


class Migration(migrations.Migration):
    """A closed round is a document: the database refuses to change it, whoever asks."""

    dependencies = [("evaluations", "0001_initial")]
    operations = [migrations.RunSQL(FUNCTIONS + TRIGGERS, UNDO)]
