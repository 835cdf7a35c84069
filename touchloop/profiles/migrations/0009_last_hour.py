"""A day of a large house has tens of thousands of customers to sort for a list; an hour has few."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("profiles", "0008_spend_step")]
    operations = [
        migrations.RemoveIndex(model_name="activity", name="activity_last_day"),
        migrations.RemoveField(model_name="activity", name="last_day"),
        migrations.AddField(
            model_name="activity",
            name="last_hour",
            field=models.GeneratedField(
                expression=models.Func(
                    "last_seen_at", template="date_trunc('hour', %(expressions)s, 'UTC')"
                ),
                output_field=models.DateTimeField(),
                db_persist=True,
            ),
        ),
        migrations.AddIndex(
            model_name="activity",
            index=models.Index(fields=["-last_hour"], name="activity_last_hour"),
        ),
    ]
