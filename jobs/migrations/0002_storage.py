"""How PostgreSQL stores the engine's tables: heartbeats without a log, hot tables with room and eager vacuums."""

from django.db import migrations

# A run is updated at each claim and settle. The default vacuum threshold, a fifth of the table, would let dead index
# entries pile up in front of every claim of a large table.
HOT = "fillfactor = 85, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0"


class Migration(migrations.Migration):
    dependencies = [("jobs", "0001_initial")]

    operations = [
        migrations.RunSQL("ALTER TABLE jobs_worker SET UNLOGGED", "ALTER TABLE jobs_worker SET LOGGED"),
        migrations.RunSQL(
            f"ALTER TABLE jobs_run SET ({HOT})",
            "ALTER TABLE jobs_run RESET (fillfactor, autovacuum_vacuum_scale_factor, autovacuum_vacuum_cost_delay)",
        ),
    ]
