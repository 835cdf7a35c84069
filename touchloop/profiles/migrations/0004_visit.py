"""The table of visits, made in 0003, as a model: so that the manifest and Django know of it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("profiles", "0003_finding")]
    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="Visit",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "touchpoint_id",
                                "subject_id",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("touchpoint_id", models.IntegerField()),
                        ("subject_id", models.BigIntegerField()),
                    ],
                    options={"db_table": "visits"},
                ),
                migrations.AddIndex(
                    model_name="visit",
                    index=models.Index(fields=["subject_id"], name="visits_subject"),
                ),
            ]
        )
    ]
