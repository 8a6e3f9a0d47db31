"""Awards and their suppliers, which are searched too: the words are generated anew from all their columns."""

import django.contrib.postgres.search
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import migrations, models
from django.db.models.functions import Left


class Migration(migrations.Migration):
    """PostgreSQL cannot change how a generated column is made, so it is dropped and added."""

    dependencies = [("tenders", "0001_initial")]
    operations = [
        migrations.RemoveIndex("tender", "tender_words"),
        migrations.RemoveField("tender", "words"),
        migrations.AddField("tender", "awards", models.JSONField(blank=True, default=list)),
        migrations.AddField(
            "tender", "suppliers", models.TextField(blank=True, default="", help_text="Who was awarded, by name."), False
        ),
        migrations.AlterField(
            "tender",
            "release_id",
            models.CharField(help_text="The newest release that these fields come from.", max_length=200),
        ),
        migrations.AddField(
            "tender",
            "words",
            models.GeneratedField(
                db_persist=True,
                expression=SearchVector(
                    *("title", "number", "buyer", "detailed_category", "province", "city"),
                    Left("description", 20_000),
                    Left("suppliers", 20_000),
                    config="english",
                ),
                output_field=django.contrib.postgres.search.SearchVectorField(),
            ),
        ),
        migrations.AddIndex("tender", GinIndex(fields=["words"], name="tender_words")),
    ]
