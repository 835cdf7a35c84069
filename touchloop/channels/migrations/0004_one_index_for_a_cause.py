"""A cause is found by equality only, which its unique index answers.

Django makes a second index beside the unique one of every text, for searches by a beginning. Nobody
searches a cause so, and each delivery wrote it anew three times on its way out.
"""

from django.db import migrations

FORWARD = """
DROP INDEX deliveries_cause_28afd2f2_like;
DROP INDEX contacts_cause_37f1622b_like;
"""
BACKWARD = """
CREATE INDEX deliveries_cause_28afd2f2_like ON deliveries (cause text_pattern_ops);
CREATE INDEX contacts_cause_37f1622b_like ON contacts (cause text_pattern_ops);
"""


class Migration(migrations.Migration):
    dependencies = [("channels", "0003_email_tables")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
