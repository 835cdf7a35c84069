"""When it happened: the sender's clock, corrected by ours."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

AHEAD_US = 5 * 60 * 1_000_000  # an instant further in the future than this is a wrong clock

Stamp = str | int | float | None


def instant(stamp: Stamp) -> int | None:
    """Microseconds since 1970 UTC of a client's time stamp; None for an absent one.

    Takes ISO 8601, mail dates and epoch numbers in seconds, milliseconds or microseconds. A time
    without a zone is UTC. Raises ValueError for anything else.
    """
    if stamp is None or stamp == "":
        return None
    if isinstance(stamp, str):
        try:
            moment = datetime.fromisoformat(stamp)
        except ValueError:
            return _spelled(stamp)
        return _micros(moment)
    return _counted(stamp)


def occurred(received: int, stamped: int | None, sent: int | None) -> int:
    """`received − (sent − stamped)`: how long ago the sender says it was, taken from our clock.

    Without `sent` the stamp is taken as it is. What would lie in the future, or before 1970 (a
    clock that never was set), happened when it was received.
    """
    if stamped is None:
        return received
    moment = stamped if sent is None else received - (sent - stamped)
    return moment if 0 <= moment <= received + AHEAD_US else received


def _micros(moment: datetime) -> int:
    span = moment - (_NAIVE_EPOCH if moment.tzinfo is None else _EPOCH)
    return (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds


def _spelled(stamp: str) -> int:
    text = stamp.strip()
    if text.endswith("z"):  # RFC 3339 allows it
        return _micros(datetime.fromisoformat(text.upper()))
    if text.replace(".", "", 1).isdigit():
        return _counted(float(text))
    try:
        return _micros(parsedate_to_datetime(text))
    except (TypeError, ValueError, IndexError, OverflowError):
        raise ValueError(f"not a time: {stamp[:80]!r}") from None


def _counted(value: float) -> int:
    if value < 0:
        raise ValueError(f"not a time: {value!r}")
    for limit, unit in ((1e11, 1_000_000), (1e14, 1_000), (1e17, 1)):
        if value < limit:
            return round(value * unit)
    raise ValueError(f"not a time: {value!r}")


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = datetime(1970, 1, 1)
