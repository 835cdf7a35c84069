"""Activity changes with every batch: leave room in its pages, so that no index is touched."""

from django.db import migrations

FORWARD = [
    "ALTER TABLE activity SET (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05)",
    "ALTER TABLE activity ALTER COLUMN interactions SET DEFAULT 0",
    "CREATE INDEX customers_by_name ON customers (lower(display_name) text_pattern_ops)",
]
BACKWARD = [
    "DROP INDEX customers_by_name",
    "ALTER TABLE activity RESET (fillfactor, autovacuum_vacuum_scale_factor)",
    "ALTER TABLE activity ALTER COLUMN interactions DROP DEFAULT",
]


class Migration(migrations.Migration):
    dependencies = [("profiles", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
