"""Forget the etags of the lists: those of a full last page would hide what comes behind it."""

from typing import Any

from django.db import migrations


def forget(apps: Any, schema_editor: Any) -> None:
    """The next sync of each repository asks without."""
    apps.get_model("pulls", "Repository").objects.exclude(etag="").update(etag="")


class Migration(migrations.Migration):
    """One request more for each repository."""

    dependencies = [("pulls", "0001_initial")]
    operations = [migrations.RunPython(forget, migrations.RunPython.noop, elidable=True)]
