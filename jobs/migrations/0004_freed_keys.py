"""Keys that have got room, and an index for limited runs without a priority: only a priority moves a due run's place."""

from django.db import migrations, models


# Rows live for milliseconds, so what matters is how soon the dead ones go.
SHORT_LIVED = "autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0"
NAMES = "autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold, autovacuum_vacuum_cost_delay"


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0003_engine'),
    ]

    operations = [
        migrations.CreateModel(
            name='FreedKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=255)),
            ],
        ),
        migrations.RunSQL(
            f"ALTER TABLE jobs_freedkey SET ({SHORT_LIVED})",
            f"ALTER TABLE jobs_freedkey RESET ({NAMES})",
        ),
        migrations.RemoveIndex(
            model_name='run',
            name='run_gated',
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('blocked_by__isnull', True), ('gated', True), ('priority', 0), ('rank__isnull', False)), fields=['rank', 'id'], name='run_gated'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('blocked_by__isnull', True), ('gated', True), ('rank__isnull', False), models.Q(('priority', 0), _negated=True)), fields=['rank', 'id'], name='run_gated_moved'),
        ),
    ]
