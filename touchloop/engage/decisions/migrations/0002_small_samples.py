"""Decisions come in thousands a second, and autovacuum samples them again and again beside them."""

from django.db import migrations

# A tenth of the usual sample: they are read by key, by subject and by time, which is planned alike.
COLUMNS = (
    "id", "subject_id", "at", "channel", "location", "placement", "book_id", "policy_version",
    "model_version", "inputs", "propensities", "chosen", "probabilities", "first_offer", "learning",
)
UNASKED = ("inputs", "propensities", "probabilities")  # in no condition
FORWARD = [
    f"ALTER TABLE decisions ALTER {column} SET STATISTICS {0 if column in UNASKED else 10}"
    for column in COLUMNS
]
BACKWARD = [f"ALTER TABLE decisions ALTER {column} SET STATISTICS -1" for column in COLUMNS]


class Migration(migrations.Migration):
    dependencies = [("decisions", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
