"""Mails of a saved search go to its owner's own address: those of before could name anybody's, unconfirmed."""

from django.db import migrations
from django.db.models import OuterRef, Subquery


def take_own_address(apps, schema_editor):
    searches = apps.get_model("tenders", "SavedSearch").objects
    owners = apps.get_model("auth", "User").objects.filter(pk=OuterRef("owner"))
    searches.filter(owner__email="").update(active=False)
    searches.exclude(owner__email="").update(email=Subquery(owners.values("email")[:1]))


class Migration(migrations.Migration):

    dependencies = [
        ('tenders', '0002_awards'),
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = [
        migrations.RunPython(take_own_address, migrations.RunPython.noop),
    ]
