"""What each key may do; the keys that exist hold everything, as they did, and say so."""

import django.contrib.postgres.fields
from django.db import migrations, models

import jobs.models.key


def hold_everything(apps, schema_editor):
    apps.get_model("jobs", "EventKey").objects.update(scopes=["everything"])


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0005_worker_report'),
    ]

    operations = [
        migrations.AddField(
            model_name='eventkey',
            name='scopes',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=100), default=jobs.models.key.send_only, help_text='What it may do.', size=None),
        ),
        migrations.RunPython(hold_everything, migrations.RunPython.noop),
    ]
