"""All settings of the site, driven by the environment; docs/operators.md lists the variables."""

from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from csp.constants import NONE, SELF

from config import database, env
from config.secret import secret_key

BASE_DIR = Path(__file__).resolve().parent.parent
env.load_project_file()
VAR_DIR = BASE_DIR / env.text("VAR_DIR", "var")

# The site and its address
DEBUG = env.flag("DEBUG")
SECRET_KEY = secret_key(VAR_DIR / "secret_key")
SITE_URL = env.text("SITE_URL").rstrip("/")
SITE = urlsplit(SITE_URL)
HTTPS = SITE.scheme == "https"
LOCAL_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
# The local names stay: health checks come from inside.
ALLOWED_HOSTS = [*env.words("ALLOWED_HOSTS"), *([SITE.hostname] if SITE.hostname else []), *LOCAL_HOSTS]
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS") or ([f"{SITE.scheme}://{SITE.netloc}"] if SITE_URL else [])

# Behind https every cookie is secure, and the proxy in front tells the scheme.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS
# The load balancer asks for /health from inside, without https.
SECURE_REDIRECT_EXEMPT = [r"^health$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = env.number("HSTS_SECONDS", 31_536_000) if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS and env.flag("HSTS_SUBDOMAINS")
# Both stay a decision of the domain's owner (HSTS_SUBDOMAINS), so `check --deploy` need not ask for them.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SESSION_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    },
}

INSTALLED_APPS = [
    "jobs",  # before django_q: our qcluster command takes the place of theirs
    "transcripts",
    "tenders",
    "clients",
    "imports",
    "pulls",
    "django_q",
    "django_htmx",
    "axes",
    "csp",
    "jobs.admin.apps.ConsoleConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.limits.RequestSizeMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
# Wrong sign-ins are counted in the database, so that all processes know of them.
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AXES_LOCKOUT_PARAMETERS = ["username", "ip_address"]
AXES_FAILURE_LIMIT = env.number("SIGN_IN_ATTEMPTS", 10, least=1)
AXES_COOLOFF_TIME = timedelta(minutes=env.number("SIGN_IN_PAUSE_MINUTES", 10, least=1))
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_LOCKOUT_CALLABLE = "config.signing_in.locked_out"
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = AXES_VERBOSE = False
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

DATABASES = {"default": database.configuration()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"

# An upload's own limit (25 MB) is checked where it is received, in words; forms have Django's limit of 2.5 MB, and
# larger JSON is read by the event API alone, behind its key.
REQUEST_LIMIT = env.number("REQUEST_LIMIT_MB", 64, least=1) * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700
MEDIA_ROOT = VAR_DIR / "media"
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [folder for folder in (BASE_DIR / "static",) if folder.is_dir()]
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
# In development and under tests nobody has collected the files.
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEBUG or env.flag("STATIC_FROM_SOURCE")

SUPABASE_URL = env.text("SUPABASE_URL").rstrip("/")
SUPABASE_KEY = env.text("SUPABASE_KEY")
SUPABASE_BUCKET = env.text("SUPABASE_BUCKET", "stepwell")
SUPABASE_MIRROR = env.flag("SUPABASE_MIRROR", default=True)
SUPABASE_TIMEOUT = env.seconds("SUPABASE_TIMEOUT", 20)
PLAIN_STATIC = "django.contrib.staticfiles.storage.StaticFilesStorage"
HASHED_STATIC = "whitenoise.storage.CompressedManifestStaticFilesStorage"
STORAGES = {
    "default": {
        "BACKEND": "config.storage.SupabaseStorage" if SUPABASE_URL else "django.core.files.storage.FileSystemStorage"
    },
    "staticfiles": {"BACKEND": PLAIN_STATIC if WHITENOISE_USE_FINDERS else HASHED_STATIC},
}

# django-q2 starts, recycles and restarts the worker processes; the queue is our own table.
Q_CLUSTER = {
    "name": "stepwell",
    "broker_class": "jobs.cluster.broker.TokenBroker",
    "workers": env.number("JOBS_WORKERS", 2, least=1),
    "recycle": env.number("JOBS_RECYCLE", 500, least=1),
    "max_rss": env.number("JOBS_MAX_RSS_MB", 512, least=64) * 1024,
    "save_limit": -1,
    "scheduler": False,
    "bulk": 1,
    "queue_limit": 1,
    "guard_cycle": 0.5,
    "log_level": "WARNING",
    # Tokens carry "no timeout" themselves. These two only keep the start quiet: django-q2 warns without them.
    "timeout": 86_400,
    "retry": 86_401,
}

# Outside services of the products
GEMINI_API_KEY = env.text("GEMINI_API_KEY")
GEMINI_MODEL = env.text("GEMINI_MODEL", "gemini-3.8-flash")
GEMINI_API_ENDPOINT = env.text("GEMINI_API_ENDPOINT")
GEMINI_SDK = env.text("GEMINI_SDK", "google-generativeai")
GEMINI_TIMEOUT = env.seconds("GEMINI_TIMEOUT", 120)
OPENAI_API_KEY = env.text("OPENAI_API_KEY")
OPENAI_MODEL = env.text("OPENAI_MODEL", "gpt-5.5")
OPENAI_BASE_URL = env.text("OPENAI_BASE_URL")
OPENAI_TIMEOUT = env.seconds("OPENAI_TIMEOUT", 120)

# Tenders: the portals, and how fast they may be asked. Seconds.
TENDERS_ZA_URL = env.text("TENDERS_ZA_URL", "https://ocds-api.etenders.gov.za").rstrip("/")
TENDERS_ZA_PORTAL_URL = env.text("TENDERS_ZA_PORTAL_URL", "https://www.etenders.gov.za").rstrip("/")
TENDERS_FTS_URL = env.text("TENDERS_FTS_URL", "https://www.find-tender.service.gov.uk").rstrip("/")
TENDERS_CF_URL = env.text("TENDERS_CF_URL", "https://www.contractsfinder.service.gov.uk").rstrip("/")
TENDERS_TIMEOUT = env.seconds("TENDERS_TIMEOUT", 120)
TENDERS_ZA_PAGE_SIZE = env.number("TENDERS_ZA_PAGE_SIZE", 512, least=8)
TENDERS_ZA_INTERVAL = env.seconds("TENDERS_ZA_INTERVAL", 1)
TENDERS_FTS_INTERVAL = env.seconds("TENDERS_FTS_INTERVAL", 10)
TENDERS_CF_INTERVAL = env.seconds("TENDERS_CF_INTERVAL", 1)
TENDERS_LOOKUP_INTERVAL = env.seconds("TENDERS_LOOKUP_INTERVAL", 0.3)
TENDERS_LLM = env.flag("TENDERS_LLM")

# Imports: how many rows at once, the seconds between batches, and how long one row may take.
IMPORTS_BATCH_SIZE = env.number("IMPORTS_BATCH_SIZE", 5, least=1)
IMPORTS_DELAY = env.seconds("IMPORTS_DELAY", 2)
IMPORTS_ROW_TIMEOUT = env.seconds("IMPORTS_ROW_TIMEOUT", 60)

# Pull requests: GitHub, and how many requests of its limit stay unused. Without a token it answers 60 an hour.
GITHUB_TOKEN = env.text("GITHUB_TOKEN")
GITHUB_API_URL = env.text("GITHUB_API_URL", "https://api.github.com").rstrip("/")
GITHUB_WEBHOOK_SECRET = env.text("GITHUB_WEBHOOK_SECRET")
GITHUB_RESERVE = env.number("GITHUB_RESERVE", 100)
GITHUB_PER_MINUTE = env.number("GITHUB_PER_MINUTE", 600, least=1)
GITHUB_TIMEOUT = env.seconds("GITHUB_TIMEOUT", 15)

# Mail: alerts of failed runs to ADMINS, invitations, saved searches. Without a server it is written to the log.
ADMINS = [(address, address) for address in env.words("ADMINS")]
EMAIL_HOST = env.text("EMAIL_HOST")
EMAIL_PORT = env.number("EMAIL_PORT", 587, least=1)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS", default=True)
EMAIL_TIMEOUT = env.seconds("EMAIL_TIMEOUT", 20)
EMAIL_SUBJECT_PREFIX = "[Stepwell] "
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "stepwell@localhost")
SERVER_EMAIL = env.text("EMAIL_FROM") or DEFAULT_FROM_EMAIL
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend" if EMAIL_HOST else "config.mail.LogBackend"

# The engine: only what the environment sets; the defaults are in jobs/conf.py.
JOBS = {
    "APP_ID": env.text("JOBS_APP_ID", "stepwell"),
    "RUN_DIR": str(VAR_DIR / "workers"),
    # What is imported before the fork is shared by all workers.
    "PRELOAD": ["google.generativeai"] if GEMINI_API_KEY and GEMINI_SDK == "google-generativeai" else [],
    **{name: env.text(f"JOBS_{name}") for name in ("LISTEN_URL", "ALERT_WEBHOOK") if env.text(f"JOBS_{name}")},
    **{name: env.flag(f"JOBS_{name}") for name in ("PREPARE",) if env.text(f"JOBS_{name}")},
    **{name: env.seconds(f"JOBS_{name}", 1) for name in ("GRACE_SECONDS",) if env.text(f"JOBS_{name}")},
    **{
        name: env.number(f"JOBS_{name}", 1, least=0 if name == "RETENTION_DAYS" else 1)
        for name in ("THREADS", "POOL_SIZE", "RETENTION_DAYS", "MAX_STEPS")
        if env.text(f"JOBS_{name}")
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "config.logs.LineFormatter"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "line"},
    },
    "root": {"handlers": ["console"], "level": env.text("LOG_LEVEL", "INFO").upper()},
    "loggers": {
        "django.server": {"handlers": ["console"], "propagate": False},
        "django": {"handlers": ["console"], "level": "INFO", "propagate": False},
        "django-q": {"level": "WARNING"},
        "httpx": {"level": "WARNING"},
        "httpcore": {"level": "WARNING"},
    },
}
