"""As in profiles: identifiers and links are read by key, and need no more than a light sample."""

from django.db import migrations

TABLES = {
    "identifiers": (
        "id", "namespace", "value", "customer_id", "person_id", "state", "first_seen_at",
        "source_id",
    ),
    "links": (
        "id", "a_id", "b_id", "kind", "source_id", "message_key", "created_at", "actor_id",
        "reason", "undone_at",
    ),
}  # fmt: skip


def _targets(number: int) -> list[str]:
    return [
        f"ALTER TABLE {name} ALTER {column} SET STATISTICS {number}"
        for name, columns in TABLES.items()
        for column in columns
    ]


class Migration(migrations.Migration):
    dependencies = [("identity", "0003_beginnings")]
    operations = [migrations.RunSQL(_targets(10), _targets(-1))]
