#!/usr/bin/env python
"""Django's command line, with the database it needs."""

import os
import sys


def main() -> None:
    """Run one management command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        from django.core.management import execute_from_command_line
    except ImportError:
        sys.exit("Django is not installed here; run `make install`, then .venv/bin/python manage.py.")
    from config import database

    database.prepare_for(sys.argv)
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
