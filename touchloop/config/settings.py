"""Django settings. What an operator may set is read in touchloop.core.settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from psycopg import conninfo

from touchloop.core import db, settings

ROOT = Path(__file__).resolve().parent.parent

SECRET_KEY = settings.secret_key()
DEBUG = settings.flag("TOUCHLOOP_DEBUG")
ALLOWED_HOSTS = settings.allowed_hosts()
ROOT_URLCONF = "touchloop.config.urls"
WSGI_APPLICATION = "touchloop.config.wsgi.application"
AUTH_USER_MODEL = "accounts.Staff"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]  # those with a catalogue of their own in LOCALE_PATHS
LOCALE_PATHS = [ROOT / "locale"]
SITE_ID = 1

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "touchloop.core.accounts",
    "touchloop.lake",
    "touchloop.interactions",
    "touchloop.identity",
    "touchloop.consent",
    "touchloop.profiles",
    "touchloop.insight.segments",
    "touchloop.insight.scores",
    "touchloop.insight.models",
    "touchloop.insight.matching",
    "touchloop.insight.affinity",
    "touchloop.insight.uplift",
    "touchloop.insight.motion",
    "touchloop.insight.likeness",
    "touchloop.records.cases",
    "touchloop.channels",
    "touchloop.engage.offers",
    "touchloop.engage.decisions",
    "touchloop.engage.triggers",
    "touchloop.engage.campaigns",
    "touchloop.experience.surveys",
    "touchloop.experience.signals",
    "touchloop.experience.scorecards",
    "touchloop.flow",
    "touchloop.api",
    "touchloop.collect",
    "touchloop.console",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "touchloop.console.middleware.security",
    "touchloop.console.middleware.staff",
    "touchloop.console.middleware.toasts",
]

# Sign-in: by e-mail, no self sign-up; TOTP, passkeys and recovery codes on top.
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "UserAttributeSimilarityValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "touchloop.console.signin.adapter.Adapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_USER_DISPLAY = str
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_NOTIFICATIONS = False
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 600
# Only allauth's limits are kept here: they must hold over all processes, and outlive them.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "counted",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Touchloop"

# Behind TLS, cookies never leave it; on a machine of one's own there may be none.
HTTPS = settings.public_url().startswith("https:")
CSRF_TRUSTED_ORIGINS = [settings.public_url()] if settings.public_url() else []
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS
SESSION_COOKIE_NAME = "touchloop"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 12 * 3600
SESSION_SAVE_EVERY_REQUEST = False
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "console" / "templates", ROOT / "public" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "touchloop.console.frame.context",
            ]
        },
    }
]

STATIC_URL = "/static/"
# Built files carry a hash in their name and are served straight from the package, for ever.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG


def WHITENOISE_IMMUTABLE_FILE_TEST(path: str, url: str) -> bool:
    return url.startswith("/static/console/") and "-" in url.rsplit("/", 1)[-1]


def _database(url: str) -> dict[str, Any]:
    """Django's form of a connection URL, with whatever else it asks for (sslmode and the like)."""
    parts = conninfo.conninfo_to_dict(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.pop("dbname"),
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": str(parts.pop("port", "")),
        "OPTIONS": parts,
        "CONN_MAX_AGE": 300,
        "CONN_HEALTH_CHECKS": True,
    }


DATABASES = {"default": _database(db.url())}
