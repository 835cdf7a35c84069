"""Where each subject was, and identifiers by their beginning."""

from django.db import migrations

FORWARD = [
    "CREATE TABLE visits (touchpoint_id int NOT NULL, subject_id bigint NOT NULL,"
    " PRIMARY KEY (touchpoint_id, subject_id))",
    "CREATE INDEX visits_subject ON visits (subject_id)",
    # What is in the log already.
    "INSERT INTO visits SELECT DISTINCT x.touchpoint_id, x.subject_id FROM interactions x"
    " JOIN touchpoints t ON t.id = x.touchpoint_id AND t.location <> ''",
    # The unique index on (namespace, value) serves neither a beginning nor an unknown namespace.
    "CREATE INDEX identifiers_beginning ON identifiers (value text_pattern_ops)",
    "CREATE INDEX customers_named ON customers (lower(display_name), id)",
]
BACKWARD = [
    "DROP INDEX customers_named",
    "DROP INDEX identifiers_beginning",
    "DROP TABLE visits",
]


class Migration(migrations.Migration):
    dependencies = [
        ("profiles", "0002_storage"),
        ("identity", "0001_initial"),
        ("interactions", "0003_own_source"),
    ]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
