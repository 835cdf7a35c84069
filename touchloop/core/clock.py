"""The one clock. Everything that needs the time asks here, so that tests can hold it still."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def now() -> datetime:
    """The current instant, in UTC, aware."""
    return datetime.now(UTC)


def micros(instant: datetime) -> int:
    """Whole microseconds since 1970-01-01 UTC."""
    delta = instant - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def from_micros(value: int) -> datetime:
    """The inverse of `micros`."""
    return _EPOCH + timedelta(microseconds=value)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
