"""Identifiers in the order of their bytes: their unique index finds beginnings as well."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("identity", "0002_changes")]
    operations = [
        migrations.RunSQL(
            'ALTER TABLE identifiers ALTER COLUMN value TYPE text COLLATE "C"',
            "ALTER TABLE identifiers ALTER COLUMN value TYPE text",
            state_operations=[
                migrations.AlterField(
                    model_name="identifier",
                    name="value",
                    field=models.TextField(db_collation="C"),
                ),
            ],
        )
    ]
