"""What an operator may set, read from the environment.

Each setting has one reader here (or is read by name through `flag`, `number`, `choice`, `words`).
A value that cannot be used raises WrongSetting, which names the setting; the command line prints
that as one line and ends with exit code 2.
"""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import unquote, urlsplit

from touchloop.core.errors import WrongSetting

_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?"
)
_LABELS = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9])?")
LAKE_SCHEMES = ("s3", "s3a", "gs", "az", "abfs", "abfss", "file", "memory")


def home() -> Path:
    """The data folder: TOUCHLOOP_HOME, else `.touchloop` in the user's home."""
    given = os.environ.get("TOUCHLOOP_HOME", "").strip()
    try:
        return Path(given).expanduser().resolve() if given else Path.home() / ".touchloop"
    except RuntimeError as error:
        raise WrongSetting("TOUCHLOOP_HOME is not set, and the user has no home folder") from error


def embedded() -> bool:
    """Whether the database is the embedded one of the home."""
    return not os.environ.get("DATABASE_URL", "").strip()


def database_url() -> str:
    """DATABASE_URL, else the embedded server of this home."""
    if embedded():
        from touchloop.core import postgres

        return postgres.url(home())
    given = os.environ["DATABASE_URL"].strip()
    try:
        parts = urlsplit(given)
        _ = parts.port
    except ValueError as error:
        raise WrongSetting(f"DATABASE_URL cannot be read: {error}") from error
    if parts.scheme not in ("postgres", "postgresql"):
        raise WrongSetting(
            "DATABASE_URL must look like postgresql://user:password@host:5432/name"
            f" (it starts with {parts.scheme or 'nothing'}:)"
        )
    if not parts.path.strip("/"):
        raise WrongSetting("DATABASE_URL names no database: add /name at its end")
    return given


def lake_url() -> str:
    """LAKE_URL, else the folder `lake` in the home."""
    given = os.environ.get("LAKE_URL", "").strip()
    scheme = urlsplit(given).scheme if "://" in given else ""
    if scheme and scheme not in LAKE_SCHEMES:
        raise WrongSetting(f"LAKE_URL: {scheme}:// is none of {', '.join(LAKE_SCHEMES)}")
    return given or str(home() / "lake")


def secret_key() -> str:
    """TOUCHLOOP_SECRET_KEY, else one made once and kept in the home, readable by its owner only."""
    given = os.environ.get("TOUCHLOOP_SECRET_KEY", "").strip()
    if given:
        if len(given) < 32:
            raise WrongSetting("TOUCHLOOP_SECRET_KEY must have at least 32 characters")
        return given
    return _kept_secret(home() / "secret_key")


def allowed_hosts() -> list[str]:
    """ALLOWED_HOSTS: the names under which the console may be called; `*` means any."""
    hosts = words("ALLOWED_HOSTS", ["*"])
    for host in hosts:
        if "/" in host or " " in host:
            raise WrongSetting(f"ALLOWED_HOSTS: {host!r} is no host name like crm.example.com")
    return hosts


def public_url() -> str:
    """TOUCHLOOP_URL: the address of the console as people see it (https://crm.example.com)."""
    text = os.environ.get("TOUCHLOOP_URL", "").strip().rstrip("/")
    parts = urlsplit(text)
    if text and (parts.scheme not in ("http", "https") or not parts.netloc or parts.path):
        raise WrongSetting(f"TOUCHLOOP_URL must look like https://crm.example.com, not {text!r}")
    return text


def collect_url() -> str:
    """TOUCHLOOP_COLLECT_URL: the address of the tracking door as shops and apps reach it.

    `serve` sets it for its parts, so that the console can show how to connect.
    """
    text = os.environ.get("TOUCHLOOP_COLLECT_URL", "").strip().rstrip("/")
    if text and urlsplit(text).scheme not in ("http", "https"):
        raise WrongSetting(
            f"TOUCHLOOP_COLLECT_URL must look like https://in.example.com, not {text!r}"
        )
    return text or "http://localhost:8001"


def default_region() -> str:
    """TOUCHLOOP_REGION: the country in which a phone number without a country code is read."""
    text = os.environ.get("TOUCHLOOP_REGION", "").strip().upper() or "US"
    if len(text) != 2 or not text.isascii() or not text.isalpha():
        raise WrongSetting(f"TOUCHLOOP_REGION must be a country code like US or DE, not {text!r}")
    return text


def doors() -> int:
    """TOUCHLOOP_DOORS: processes of the tracking door; one for each two cores by default."""
    return number("TOUCHLOOP_DOORS", max(1, (os.cpu_count() or 2) // 2), least=1, most=64)


def workers() -> int:
    """TOUCHLOOP_WORKERS: how many workers `serve` runs; one for each two cores by default."""
    return number("TOUCHLOOP_WORKERS", max(1, (os.cpu_count() or 2) // 2), least=1)


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed over. `security` is "none", "starttls" or "tls"."""

    host: str
    port: int
    security: str
    user: str = ""
    password: str = ""
    connections: int = 4


def customers_url() -> str:
    """Where customers reach us (links in messages): TOUCHLOOP_URL, else this machine."""
    return public_url() or "http://localhost:8000"


def old_secret_keys() -> list[str]:
    """TOUCHLOOP_OLD_SECRET_KEYS: former secret keys; links signed with them still work."""
    return words("TOUCHLOOP_OLD_SECRET_KEYS", [])


def mail_server() -> MailServer | None:
    """TOUCHLOOP_SMTP_URL: smtp://, smtp+starttls:// or smtps://user:password@host:port.

    None when it is not set. A password goes over a line without TLS only to this machine.
    """
    text = os.environ.get("TOUCHLOOP_SMTP_URL", "").strip()
    if not text:
        return None
    parts = urlsplit(text)
    kinds = {"smtp": ("none", 25), "smtp+starttls": ("starttls", 587), "smtps": ("tls", 465)}
    try:
        port = parts.port
    except ValueError as error:
        raise WrongSetting(f"TOUCHLOOP_SMTP_URL cannot be read: {error}") from error
    if parts.scheme not in kinds or not parts.hostname or parts.path.strip("/") or parts.query:
        raise WrongSetting(
            "TOUCHLOOP_SMTP_URL must look like smtp+starttls://user:password@mail.example.com:587"
        )
    security, usual = kinds[parts.scheme]
    if parts.username and security == "none" and not _this_machine(parts.hostname):
        raise WrongSetting(
            "TOUCHLOOP_SMTP_URL: a password needs smtps:// or smtp+starttls://, not smtp://"
        )
    return MailServer(
        parts.hostname,
        port or usual,
        security,
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        number("TOUCHLOOP_SMTP_CONNECTIONS", 4, least=1, most=50),
    )


def mail_from() -> tuple[str, str] | None:
    """TOUCHLOOP_MAIL_FROM: `Name <address>` or an address; (name, address), None when not set."""
    text = os.environ.get("TOUCHLOOP_MAIL_FROM", "").strip()
    if not text:
        return None
    name, address = parseaddr(text)
    if not _ADDRESS.fullmatch(address) or any(sign < " " for sign in text):
        raise WrongSetting(
            f"TOUCHLOOP_MAIL_FROM must look like Shop <hello@shop.example>, not {text!r}"
        )
    return name, address


def bounce_address() -> str:
    """TOUCHLOOP_MAIL_BOUNCES: the mailbox for what comes back; "" when the sender takes it.

    It must take mail for `name+anything@domain`: what comes back carries a token there.
    """
    text = os.environ.get("TOUCHLOOP_MAIL_BOUNCES", "").strip()
    if text and (not _ADDRESS.fullmatch(text) or len(text.partition("@")[0]) > 16):
        raise WrongSetting(
            "TOUCHLOOP_MAIL_BOUNCES must be an address like bounces@shop.example, with at most 16"
            f" characters before the @, not {text!r}"
        )
    return text


def postal_address() -> str:
    """TOUCHLOOP_POSTAL_ADDRESS: where the company is reached; stands under every marketing mail."""
    return " ".join(os.environ.get("TOUCHLOOP_POSTAL_ADDRESS", "").split())[:300]


def dkim() -> tuple[str, str, str] | None:
    """TOUCHLOOP_DKIM_DOMAIN, _SELECTOR and _KEY (a PEM file, or its text); None when none is set.

    The domain must be the sender's or one above it: DMARC asks for that.
    """
    names = ("TOUCHLOOP_DKIM_DOMAIN", "TOUCHLOOP_DKIM_SELECTOR", "TOUCHLOOP_DKIM_KEY")
    domain, selector, key = (os.environ.get(name, "").strip() for name in names)
    if not (domain or selector or key):
        return None
    for name, value in zip(names, (domain, selector, key), strict=True):
        if not value:
            raise WrongSetting(f"{name} is missing: DKIM needs the three of {', '.join(names)}")
    for name, value in ((names[0], domain), (names[1], selector)):
        if not _LABELS.fullmatch(value):
            raise WrongSetting(f"{name} must be a name of the DNS, not {value!r}")
    sender = mail_from()
    if sender and not f".{sender[1].rpartition('@')[2].lower()}".endswith(f".{domain.lower()}"):
        raise WrongSetting(
            f"TOUCHLOOP_DKIM_DOMAIN {domain} does not cover the sender {sender[1]}: receivers that"
            " check DMARC would refuse the mail"
        )
    return domain.lower(), selector, key


def check() -> None:
    """Read every setting once; raises WrongSetting for the first that cannot be used."""
    readers = (
        home,
        lake_url,
        allowed_hosts,
        public_url,
        collect_url,
        default_region,
        doors,
        workers,
    )
    for read in readers:
        read()
    for read_mail in (mail_server, mail_from, bounce_address, dkim):
        read_mail()
    flag("TOUCHLOOP_DEBUG")
    if not embedded():
        database_url()
    if os.environ.get("TOUCHLOOP_SECRET_KEY"):
        secret_key()


def flag(name: str, default: bool = False) -> bool:
    """A yes/no setting."""
    text = os.environ.get(name, "").strip().lower()
    if not text:
        return default
    if text in ("1", "true", "yes", "on"):
        return True
    if text in ("0", "false", "no", "off"):
        return False
    raise WrongSetting(f"{name} must be yes or no, not {text!r}")


def number(name: str, default: int, *, least: int = 0, most: int | None = None) -> int:
    """A whole-number setting, at least `least`."""
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    fits = text.isascii() and text.isdigit() and int(text) >= least
    if not fits or (most is not None and int(text) > most):
        bounds = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise WrongSetting(f"{name} must be a whole number {bounds}, not {text!r}")
    return int(text)


def words(name: str, default: list[str]) -> list[str]:
    """A setting of several words with commas between them."""
    found = [word.strip() for word in os.environ.get(name, "").split(",") if word.strip()]
    return found or default


def _this_machine(host: str) -> bool:
    return host == "localhost" or host.startswith("127.") or host == "::1"


def _kept_secret(path: Path) -> str:
    """Made at the first call. Two processes that start together must end with the same one."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}-{os.getpid()}")
        if not path.exists():
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(50))
            try:
                os.link(draft, path)
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return path.read_text().strip()
    except OSError as error:
        raise WrongSetting(f"TOUCHLOOP_HOME: cannot use {path} ({error.strerror})") from error
