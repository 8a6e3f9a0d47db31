"""The site's settings with the benchmark's own functions beside the products'."""

import os

from config.settings import *  # noqa: F403

INSTALLED_APPS = [*INSTALLED_APPS, "bench"]  # noqa: F405

if os.environ.get("BENCH_IMPORTS"):
    INSTALLED_APPS.append("tests.imports.app.Shop")
    MEDIA_ROOT = os.environ["BENCH_MEDIA"]
