"""The ASGI entry point."""

import os

from django.core.asgi import get_asgi_application

from config import database

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
database.ensure_ready()
application = get_asgi_application()
