"""The ledgers are appended to and nothing else; only erasure may delete, and says so."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION consent_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND current_setting('touchloop.erasing', true) = 'on' THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION 'the ledgers of consent are append-only (% on %)', TG_OP, TG_TABLE_NAME;
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON use_grants
  FOR EACH ROW EXECUTE FUNCTION consent_append_only();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON contact_grants
  FOR EACH ROW EXECUTE FUNCTION consent_append_only();
"""
BACKWARD = """
DROP TRIGGER append_only ON use_grants;
DROP TRIGGER append_only ON contact_grants;
DROP FUNCTION consent_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("consent", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
