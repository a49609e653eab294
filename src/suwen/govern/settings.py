"""Django's settings, made from a region: nothing is read from the environment, and importing this module changes nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import django
from django.conf import settings

from suwen.base.errors import Defect, SuwenError
from suwen.flow.region import explained
from suwen.flow.region_files import CONTROL_FILE, SECRETS_FILE
from suwen.govern.secrets import Secrets, check_private, region_secrets
from suwen.model.region import Region

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_SERVE = Path(__file__).parents[1] / "serve"
_APPS = (
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "suwen.govern.people",
    "suwen.govern.audit",
    "suwen.serve",
)
_MIDDLEWARE = (
    "suwen.serve.requests.Requests",
    "suwen.serve.headers.Headers",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "suwen.serve.sessions.Limits",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "suwen.serve.language.Language",
    "suwen.serve.gate.Gate",
)
_HOUR = 3600


def configure(region: Region) -> None:
    """Make Django ready for one region; a process serves one. Raises SuwenError where secrets or the control database are open to others."""
    if settings.configured:
        if settings.SUWEN_REGION.folder != region.folder:
            raise Defect("Django was made ready for another region in this process")
        return
    _check_secrets_kept(region)
    settings.configure(**values(region, region_secrets(region.folder)))
    django.setup()


def _check_secrets_kept(region: Region) -> None:
    """Raises SuwenError where the secrets are gone with which control data was sealed: new ones would make every entry of the audit look changed."""
    control, path = region.folder / CONTROL_FILE, region.folder / SECRETS_FILE
    with explained(control):
        kept = not region.server.database and control.exists() and control.stat().st_size > 0
        if kept and not path.exists():
            raise SuwenError(
                f"this file is missing, and {CONTROL_FILE} is sealed with what it held",
                where=str(path),
                expected="the file as it was made with the control data",
                do=f"restore it from a copy; without one put {CONTROL_FILE} aside and make the accounts anew",
            )


def values(region: Region, secrets: Secrets) -> dict[str, Any]:
    """Every setting of Django that is not its default."""
    public = urlsplit(region.server.public)
    return {
        **_security(https=public.scheme == "https"),
        "SUWEN_REGION": region,
        "SUWEN_AUDIT_KEY": secrets.audit_key,
        "SECRET_KEY": secrets.signing_key,
        "DEBUG": False,
        "ALLOWED_HOSTS": [public.hostname, *LOOPBACK] if public.hostname else list(LOOPBACK),
        "CSRF_TRUSTED_ORIGINS": [region.server.public] if public.hostname else [],
        "DATABASES": {"default": database(region, secrets)},
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "INSTALLED_APPS": list(_APPS),
        "MIDDLEWARE": list(_MIDDLEWARE),
        "ROOT_URLCONF": "suwen.serve.urls",
        "WSGI_APPLICATION": "suwen.serve.wsgi.application",
        "TEMPLATES": [_templates()],
        "AUTH_USER_MODEL": "people.User",
        "AUTHENTICATION_BACKENDS": ["django.contrib.auth.backends.ModelBackend"],
        "PASSWORD_HASHERS": ["django.contrib.auth.hashers.Argon2PasswordHasher"],
        "AUTH_PASSWORD_VALIDATORS": _password_rules(),
        "CSRF_FAILURE_VIEW": "suwen.serve.faults.csrf_failed",
        "LOGIN_URL": "sign-in",
        "LOGIN_REDIRECT_URL": "/",
        "LANGUAGE_CODE": "en",
        "LANGUAGES": [("en", "English"), ("zh-hans", "中文")],
        "USE_I18N": True,
        "USE_TZ": True,
        "TIME_ZONE": region.zone,
        "STATIC_URL": "/static/",
        "STATICFILES_DIRS": [_SERVE / "static", *_package_statics()],
        "WHITENOISE_USE_FINDERS": True,
        "WHITENOISE_AUTOREFRESH": False,
        "WHITENOISE_ALLOW_ALL_ORIGINS": False,
        "WHITENOISE_MAX_AGE": _HOUR,
        "OTP_TOTP_ISSUER": f"Suwen {region.name}",
        "OTP_TOTP_THROTTLE_FACTOR": 0,  # our own lock-out counts every kind of failure together
        "DATA_UPLOAD_MAX_MEMORY_SIZE": 1 << 20,
        "DATA_UPLOAD_MAX_NUMBER_FIELDS": 200,
        "LOGGING": _logging(region.server.log),
    }


def _security(*, https: bool) -> Mapping[str, Any]:
    """What Django's deployment checklist asks for; over plain http (the own machine alone) cookies cannot be marked secure."""
    return {
        "SESSION_COOKIE_SECURE": https,
        "CSRF_COOKIE_SECURE": https,
        "SESSION_COOKIE_NAME": "__Host-session" if https else "session",
        "CSRF_COOKIE_NAME": "__Host-csrf" if https else "csrf",
        "SESSION_COOKIE_HTTPONLY": True,
        "CSRF_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "CSRF_COOKIE_SAMESITE": "Strict",
        "SESSION_COOKIE_AGE": 12 * _HOUR,
        "SESSION_EXPIRE_AT_BROWSER_CLOSE": True,
        "SECURE_SSL_REDIRECT": https,
        "SECURE_REDIRECT_EXEMPT": [r"^(healthz|readyz|metrics)$"],  # asked for by machines beside the server, not through its proxy
        "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https") if https else None,
        "SECURE_HSTS_SECONDS": 365 * 24 * _HOUR if https else 0,
        "SECURE_HSTS_INCLUDE_SUBDOMAINS": https,
        "SECURE_HSTS_PRELOAD": https,
        "SECURE_CONTENT_TYPE_NOSNIFF": True,
        "SECURE_REFERRER_POLICY": "same-origin",
        "SECURE_CROSS_ORIGIN_OPENER_POLICY": "same-origin",
        "X_FRAME_OPTIONS": "DENY",
    }


def database(region: Region, secrets: Secrets) -> dict[str, Any]:
    """Where the control data lies: control.db in the region's folder, or the PostgreSQL that region.toml names."""
    if not region.server.database:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(private_file(region.folder / CONTROL_FILE)),
            "CONN_MAX_AGE": 600,
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
            },
        }
    at = urlsplit(region.server.database)
    if at.scheme != "postgresql" or not at.hostname or at.password:
        raise SuwenError(
            "the control database is not named as expected",
            where="region.toml: [server] database",
            expected="postgresql://user@host:port/name, its password in secrets.toml as database_password",
        )
    if find_spec("psycopg") is None:
        raise SuwenError(
            "psycopg is not installed", where="region.toml: [server] database", expected="Suwen with its extra postgresql", do="pip install suwen[postgresql]"
        )
    return {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": at.hostname,
        "PORT": str(at.port or ""),
        "USER": unquote(at.username or ""),
        "PASSWORD": secrets.database_password,
        "NAME": at.path.removeprefix("/"),
        "CONN_MAX_AGE": 600,
    }


def private_file(path: Path) -> Path:
    """A file that only its owner may read, made empty where it is not there; what SQLite puts beside it takes its mode."""
    with explained(path):
        if not path.exists():
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        for one in (path, *path.parent.glob(f"{path.name}-*")):
            check_private(one)
    return path


def _package_statics() -> list[tuple[str, Path]]:
    """Assets that come inside Python packages; nothing is fetched from outside."""
    import_root = Path(django.__file__).parents[1]
    return [("plotly", import_root / "plotly" / "package_data")]


def _templates() -> dict[str, Any]:
    return {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [_SERVE / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "suwen.serve.context.page",
            ],
            "builtins": ["suwen.serve.tags", "suwen.serve.console.tags"],
        },
    }


def _password_rules() -> list[dict[str, Any]]:
    rules = "django.contrib.auth.password_validation."
    return [
        {"NAME": rules + "UserAttributeSimilarityValidator", "OPTIONS": {"user_attributes": ("name", "full_name")}},
        {"NAME": rules + "MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
        {"NAME": rules + "CommonPasswordValidator"},
        {"NAME": rules + "NumericPasswordValidator"},
    ]


def _logging(form: str) -> dict[str, Any]:
    """Errors are told without the request's content, which may hold a value of a person; as lines of JSON each request leaves one too."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"plain": {"()": "suwen.govern.log.Plain"}, "json": {"()": "suwen.govern.log.Lines"}},
        "handlers": {"standard error": {"class": "logging.StreamHandler", "formatter": form}},
        "root": {"handlers": ["standard error"], "level": "WARNING"},  # the server below Django too, whose traces would tell messages
        "loggers": {
            "django": {"handlers": ["standard error"], "level": "WARNING", "propagate": False},
            "suwen.requests": {"level": "INFO" if form == "json" else "WARNING"},
        },
    }
