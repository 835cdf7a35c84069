"""Withdrawals wait for hand-offs in flight; suppressions are appended to and nothing else.

No hand-off may come after the commit of a withdrawal. Checking once more before sending leaves a
gap between the check and the sending, so the two exclude each other: a hand-off holds a lock for
each of its customers from the check until its outcome is stored, and whatever narrows consent takes
the same lock before it commits. It is done here, so that no door can forget it. More than 500
customers at once (an import of refusals) take one lock for all: the table of locks is finite.
"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION channels_wait_for_handing() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE keys integer[];
BEGIN
  SELECT array_agg(DISTINCT hashint8(i.customer_id)) INTO keys
    FROM said JOIN identifiers i ON i.id = said.subject_id
   WHERE coalesce(to_jsonb(said)->>'state', 'denied') <> 'granted'
      OR to_jsonb(said)->>'purpose' = 'child';
  IF cardinality(keys) > 500 THEN
    PERFORM pg_advisory_xact_lock(7106, 0);
  ELSE
    PERFORM pg_advisory_xact_lock(7107, k) FROM (SELECT unnest(keys) AS k ORDER BY 1) AS ordered;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER wait_for_handing AFTER INSERT ON use_grants
  REFERENCING NEW TABLE AS said FOR EACH STATEMENT EXECUTE FUNCTION channels_wait_for_handing();
CREATE TRIGGER wait_for_handing AFTER INSERT ON contact_grants
  REFERENCING NEW TABLE AS said FOR EACH STATEMENT EXECUTE FUNCTION channels_wait_for_handing();
CREATE TRIGGER wait_for_handing AFTER INSERT ON suppressions
  REFERENCING NEW TABLE AS said FOR EACH STATEMENT EXECUTE FUNCTION channels_wait_for_handing();

CREATE FUNCTION suppressions_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND current_setting('touchloop.erasing', true) = 'on' THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION 'suppressions are append-only (% on %)', TG_OP, TG_TABLE_NAME;
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON suppressions
  FOR EACH ROW EXECUTE FUNCTION suppressions_append_only();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON suppressed_addresses
  FOR EACH ROW EXECUTE FUNCTION suppressions_append_only();
"""
BACKWARD = """
DROP TRIGGER append_only ON suppressed_addresses;
DROP TRIGGER append_only ON suppressions;
DROP FUNCTION suppressions_append_only();
DROP TRIGGER wait_for_handing ON suppressions;
DROP TRIGGER wait_for_handing ON contact_grants;
DROP TRIGGER wait_for_handing ON use_grants;
DROP FUNCTION channels_wait_for_handing();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("channels", "0001_initial"),
        ("consent", "0002_append_only"),
        ("identity", "0001_initial"),
    ]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
