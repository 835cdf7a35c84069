"""Words to search by without the whole address: it begins as its own first word does.

Statements get room in their pages, as customers have: what is learned later touches no index.
"""

from django.db import migrations

INDEX = "CREATE INDEX customers_words ON customers USING gin (to_tsvector('simple'::regconfig, {}))"
FORWARD = [
    "DROP INDEX customers_words",
    INDEX.format("display_name || ' ' || replace(email, '@', ' ')"),
    "ALTER TABLE trait_statements SET (fillfactor = 50)",
]
BACKWARD = [
    "ALTER TABLE trait_statements SET (fillfactor = 70)",
    "DROP INDEX customers_words",
    INDEX.format("display_name || ' ' || replace(email, '@', ' ') || ' ' || email"),
]


class Migration(migrations.Migration):
    dependencies = [("profiles", "0006_turn")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
