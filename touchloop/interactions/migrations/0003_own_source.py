"""The source of what Touchloop itself says: entering a segment, an act of staff."""

from django.db import migrations
from django.utils import timezone

from touchloop.core import ids


def add(apps, schema_editor):  # type: ignore[no-untyped-def]
    apps.get_model("interactions", "Source").objects.get_or_create(
        slug="touchloop",
        defaults={
            "name": "Touchloop",
            "kind": "system",
            "channel": "system",
            "category": "inferred",
            "write_key": ids.write_key(),
            "trusted": True,
            "created_at": timezone.now(),
        },
    )


class Migration(migrations.Migration):
    dependencies = [("interactions", "0002_storage")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
