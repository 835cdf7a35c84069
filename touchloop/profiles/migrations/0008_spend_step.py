"""Lists by spend read the customers of the highest steps, not everybody's activity."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("profiles", "0007_words")]
    operations = [
        migrations.AddField(
            model_name="activity",
            name="spend_step",
            field=models.GeneratedField(
                expression=models.Func(
                    "spend",
                    template="floor(4 * ln(1 + greatest(%(expressions)s, 0)) / ln(2))::smallint",
                ),
                output_field=models.SmallIntegerField(),
                db_persist=True,
            ),
        ),
        migrations.AddIndex(
            model_name="activity",
            index=models.Index(fields=["spend_step"], name="activity_spend_step"),
        ),
    ]
