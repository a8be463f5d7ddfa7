"""Settings from the environment, with defaults that are safe on one machine (docs/operations.md lists them)."""

import os
import sys
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import environ
from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from config import logs

BASE_DIR = Path(__file__).resolve().parents[2]
env = environ.Env()

# --- Which kind of run this is -------------------------------------------------------------------
PRODUCTION = env.bool("PRODUCTION", False)
DEBUG = env.bool("DEBUG", False)
DEFAULT_SECRET = "one-machine-only-never-in-production"  # noqa: S105
SECRET_KEY = env.str("SECRET_KEY", DEFAULT_SECRET)
DATA_KEYS = env.list("DATA_KEYS", default=[SECRET_KEY])  # the last seals, all open (kernel/crypto.py)
VAR_DIR = Path(env.str("VAR_DIR", str(BASE_DIR / "var"))).absolute()

# --- Hosts ---------------------------------------------------------------------------------------
PUBLIC_HOSTS = env.list("PUBLIC_HOSTS", default=["localhost", "127.0.0.1", "testserver"])
SCHOOL_HOST_SUFFIX = env.str("SCHOOL_HOST_SUFFIX", "localhost")  # a school answers to <slug>.<suffix>
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[*PUBLIC_HOSTS, f".{SCHOOL_HOST_SUFFIX}"])
PUBLIC_URL = env.str("PUBLIC_URL", "http://localhost:8000")  # where links in mails lead
SCHOOL_POOL_SIZE = env.int("SCHOOL_POOL_SIZE", 2)  # spare schemas made ahead, so that opening a school is a rename
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

if PRODUCTION:
    _wrong = [
        sentence
        for broken, sentence in (
            (SECRET_KEY == DEFAULT_SECRET or len(SECRET_KEY) < 50, "SECRET_KEY must be set to 50 random characters"),
            ("DATA_KEYS" not in env.ENVIRON, "DATA_KEYS must be set: personal data are sealed with them"),
            (DEBUG, "DEBUG must be off"),
            (
                "ALLOWED_HOSTS" not in env.ENVIRON or any(h in {"*", ".", ""} for h in ALLOWED_HOSTS),
                "ALLOWED_HOSTS must list the hosts, without '*'",
            ),
            (
                not PUBLIC_URL.startswith("https://"),
                "PUBLIC_URL must be the https address of the public host: links in mails lead there",
            ),
        )
        if broken
    ]
    if _wrong:
        raise ImproperlyConfigured("PRODUCTION=1 refuses to start: " + "; ".join(_wrong))

# --- Applications: a table lives in public or in schools, never in both -----------------------------
SHARED_APPS = [
    "django_tenants",
    "institute.schools",
    "identity",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "axes",
    "django_structlog",
    "django_vite",
    "django_htmx",
    "csp",
    "graphql_api",
    "standards_library",
    "institute.journal",
    "institute.providers",
    "institute.applications",
    "institute.benchmarking",
    "workers",
    "web",
]
TENANT_APPS = [
    "tenants.timeline",
    "tenants.evidence",
    "tenants.jobs",
    "tenants.notices",
    "tenants.calendar",
    "tenants.organisation",
    "tenants.rubrics",
    "tenants.rosters",
    "tenants.face",
    "tenants.punches",
    "tenants.attendance",
    "tenants.findings",
    "tenants.patrols",
    "tenants.inspections",
    "tenants.duty",
    "tenants.evaluations",
]
INSTALLED_APPS = [*SHARED_APPS, *TENANT_APPS]
TENANT_MODEL = "schools.School"
TENANT_DOMAIN_MODEL = "schools.Domain"
TENANT_LIMIT_SET_CALLS = True
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
AUTH_USER_MODEL = "identity.Account"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SILENCED_SYSTEM_CHECKS = ["django_tenants.W003"]

# --- Database ------------------------------------------------------------------------------------
TESTING = "pytest" in sys.modules
DATABASE_URL = env.str("DATABASE_URL", "")
if not DATABASE_URL:
    from config import embedded

    # pytest-django reads this file before any conftest.py; what tests start is told by the environment.
    if TESTING:
        DATABASE_URL = os.environ["DATABASE_URL"] = embedded.url(BASE_DIR / "var" / "test-pg", throwaway=True)
    else:
        DATABASE_URL = embedded.url(embedded.default_data_dir(BASE_DIR))
_u = urlsplit(DATABASE_URL)
_q = dict(parse_qsl(_u.query))
ORIGINAL_BACKEND = "config.postgresql"  # Django's, without the twin index per text column of a school
DATABASES = {
    "default": {
        "ENGINE": "django_tenants.postgresql_backend",
        "HOST": _q.get("host") or _u.hostname or "",
        "PORT": _q.get("port") or str(_u.port or 5432),
        "NAME": _u.path[1:],
        "USER": unquote(_u.username or ""),
        "PASSWORD": unquote(_u.password or ""),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {}
        if TESTING or not env.bool("POOL", True)
        else {
            # psycopg's own pool; a connection is recycled before its catalogue cache grows (SCALE.md).
            "pool": {"min_size": 1, "max_size": env.int("POOL_MAX", 20), "timeout": 20, "max_lifetime": 1800}
        },
    }
}

# --- Requests ------------------------------------------------------------------------------------
MIDDLEWARE = [
    "config.middleware.health",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.middleware.HostMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "config.logs.bind_school",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "config.acting.ActorMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
    "web.accounts.devices.DeviceMiddleware",
    "config.middleware.RefusalMiddleware",
    "config.middleware.ReadableMiddleware",
]
ROOT_URLCONF = "config.urls_public"
SCHOOL_URLCONF = "config.urls_school"
ASGI_APPLICATION = "config.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": sorted((BASE_DIR / "web").glob("**/templates")),
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "web.shell.shell",
            ]
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
INSTALLED_APPS.append("django.forms")
LANGUAGE_CODE = "zh-hans"
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True
USE_I18N = True
DATA_UPLOAD_MAX_MEMORY_SIZE = 12 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
APPEND_SLASH = True

# --- Files ---------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [d for d in [BASE_DIR / "frontend" / "dist"] if d.exists()]
MEDIA_ROOT = VAR_DIR / "media"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_IMMUTABLE_FILE_TEST = r"^/static/assets/.+-[\w-]{8}\.\w+$"
DJANGO_VITE = {"default": {"dev_mode": False, "manifest_path": BASE_DIR / "frontend" / "dist" / "manifest.json"}}

# --- Safety --------------------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE, "'wasm-unsafe-eval'"],
        "style-src": [SELF, NONCE],
        "style-src-attr": ["'unsafe-inline'"],
        "img-src": [SELF, "data:", "blob:"],
        "connect-src": [SELF],
        "font-src": [SELF],
        "worker-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"  # never a cookie domain: each host has its own session
CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
if PRODUCTION:
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", True)
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", 31_536_000)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True

# --- Identity ------------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "web.accounts.lockout.SlowBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "account_arrived"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "web.accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]  # nobody signs up: the adapter is closed
ACCOUNT_EMAIL_VERIFICATION = "none"  # the address of an account is the one its invitation was sent to
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_USER_DISPLAY = str
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_FORMS = {
    "login": "web.accounts.forms.SignInForm",
    "reset_password": "web.accounts.forms.ForgottenForm",
    "reset_password_from_key": "web.accounts.forms.NewPasswordForm",
    "change_password": "web.accounts.forms.ChangePasswordForm",
    "reauthenticate": "web.accounts.forms.ReauthenticateForm",
}
# Lock-out is django-axes' (per account and address) and ours (per account, of all unknown browsers together:
# identity/attempts.py); these limits only slow down floods. allauth's own limit per login name would let a stranger
# keep the owner out.
ACCOUNT_RATE_LIMITS = {"login": "300/m/ip", "login_failed": "300/m/ip"}
MFA_ADAPTER = "web.accounts.adapter.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "CiELM"
MFA_TOTP_TOLERANCE = 1  # one step of 30 s either way, for phones whose clock is off
MFA_FORMS = {
    "authenticate": "web.accounts.forms.SecondFactorForm",
    "reauthenticate": "web.accounts.forms.SecondFactorAgainForm",
    "activate_totp": "web.accounts.forms.ActivateForm",
}
AXES_FAILURE_LIMIT = env.int("LOCKOUT_FAILURES", 5)
AXES_COOLOFF_TIME = timedelta(minutes=env.int("LOCKOUT_MINUTES", 15))
LOCKOUT_ACCOUNT_FAILURES = env.int("LOCKOUT_ACCOUNT_FAILURES", 20)  # an hour
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_USERNAME_CALLABLE = "web.accounts.lockout.account_of"
AXES_LOCKOUT_CALLABLE = "web.accounts.lockout.locked_out"
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.MD5PasswordHasher" if TESTING else "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]

# --- Mail: files under var/mail until EMAIL_URL names a server (smtp+tls://user:password@host:587) -----
EMAIL_CONFIG = env.email("EMAIL_URL", default=f"filemail:///{VAR_DIR / 'mail'}")
vars().update(EMAIL_CONFIG)
EMAIL_TIMEOUT = 20  # seconds
# Hosts of the campus network that schools may have messages sent to (kernel.outbound), by name
OUTBOUND_PRIVATE_HOSTS = env.list("OUTBOUND_PRIVATE_HOSTS", default=[])
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "CiELM 平台 <no-reply@localhost>")

# --- Background work: the broker is the same PostgreSQL unless BROKER_URL says otherwise -------------
CELERY_BROKER_URL = env.str("BROKER_URL", "pgmq://localhost")
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {
        # libpq's own form: the transport's URI parser does not know sockets.
        "conn_string": " ".join(
            f"{key}={DATABASES['default'][name] or chr(39) * 2}"
            for key, name in (
                ("host", "HOST"),
                ("port", "PORT"),
                ("dbname", "NAME"),
                ("user", "USER"),
                ("password", "PASSWORD"),
            )
        ),
        "init_extension": False,
        "visibility_timeout": env.int("VISIBILITY_TIMEOUT", 600),
        "wait_time_seconds": 2,
        "poll_interval_ms": 50,
        "polling_interval": 0.1,
    }
    if CELERY_BROKER_URL.startswith("pgmq")
    else {}
)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_DEFAULT_QUEUE = "default"
# Inference has its own queue and process: a session of models is loaded once, and no other work waits behind it.
CELERY_TASK_ROUTES = {name: {"queue": "face"} for name in ("face.check", "face.enrol_batch")}
CELERY_TIMEZONE = TIME_ZONE
CELERY_TASK_SERIALIZER = "json"
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "beat")

# --- Faces: the model pack (folder with pack.json, docs/face.md). Empty: no face service, the other ways count ----
FACE_MODEL_PACK = env.str("FACE_MODEL_PACK", "")

# What rate limits count, every web process must see: a table, not the memory of one process.
CACHES = {"default": {"BACKEND": "kernel.shared_cache.SharedCache"}}

GRAPHQL_INTROSPECTION = env.bool("GRAPHQL_INTROSPECTION", not PRODUCTION)

# --- Logs and error reports ----------------------------------------------------------------------
LOGGING = logs.logging_config(
    as_json=env.bool("LOG_JSON", PRODUCTION),
    level=env.str("LOG_LEVEL", "WARNING" if TESTING else "INFO"),
)
logs.configure_structlog()
DJANGO_STRUCTLOG_CELERY_ENABLED = True
SENTRY_DSN = env.str("SENTRY_DSN", "")
if SENTRY_DSN:
    from config import reports

    reports.start(SENTRY_DSN, environment=env.str("SENTRY_ENVIRONMENT", "production"), release=env.str("RELEASE", ""))
