"""The site's settings under tests: an own database, and no way to anybody's account outside."""

import os

# Before the settings are read, whatever this machine is set up for. Subprocesses inherit all of it.
_OUTSIDE = (
    "GEMINI_",
    "OPENAI_",
    "SUPABASE_",
    "GITHUB_",
    "TENDERS_",
    "IMPORTS_",
    "EMAIL_",
    "JOBS_",
    "DATABASE_URL",
    "SITE_URL",
    "SECRET_KEY",
    "DEBUG",
)
for _name in [name for name in os.environ if name.startswith(_OUTSIDE)]:
    del os.environ[_name]
os.environ["ENV_FILE"] = os.devnull
os.environ["VAR_DIR"] = "var/test"
os.environ["POSTGRES_DIR"] = "var/test-postgres"
os.environ["STATIC_FROM_SOURCE"] = "1"
os.environ["LOG_LEVEL"] = "WARNING"
# Two test sessions on one machine do not meet.
os.environ["TEST_DATABASE_NAME"] = f"test_stepwell_{os.getpid()}"
# Playwright's synchronous API runs an event loop in the test's own thread; our code there is not asynchronous.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
if _url := os.environ.get("TEST_DATABASE_URL"):
    os.environ["DATABASE_URL"] = _url

from config.settings import *  # noqa: F403

# Each test signs in as it likes; those of the throttle switch it on.
AXES_ENABLED = False
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# A thread that a test starts and that ends with its connection open takes it from the pool for good; with the site's
# four, a later test's server would wait for one for ever.
DATABASES["default"]["OPTIONS"]["pool"]["max_size"] = 40  # noqa: F405
