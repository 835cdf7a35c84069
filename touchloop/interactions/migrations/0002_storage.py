"""How the log is stored, for speed: no compression of short-lived or hot bytes, fewer updates moved."""

from django.db import migrations

FORWARD = [
    # Blocks live for a moment: compressing them would cost more than it saves.
    "ALTER TABLE inbox ALTER COLUMN payload SET STORAGE EXTERNAL",
    "ALTER TABLE inbox SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000)",
    # An order with its products stays in its row, uncompressed, up to 8 kB.
    "ALTER TABLE interactions ALTER COLUMN body SET STORAGE EXTERNAL",
    "ALTER TABLE interactions SET (toast_tuple_target = 8160)",
    "CREATE INDEX held_by_key ON held_messages (message_key)",
    "CREATE SEQUENCE flow_batch_ids",
]
BACKWARD = [
    "DROP SEQUENCE flow_batch_ids",
    "DROP INDEX held_by_key",
    "ALTER TABLE interactions RESET (toast_tuple_target)",
    "ALTER TABLE interactions ALTER COLUMN body SET STORAGE EXTENDED",
    "ALTER TABLE inbox RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold)",
    "ALTER TABLE inbox ALTER COLUMN payload SET STORAGE EXTENDED",
]


class Migration(migrations.Migration):
    dependencies = [("interactions", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
