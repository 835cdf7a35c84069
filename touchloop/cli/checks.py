"""What `doctor` looks at. A check that cannot be made has failed, and says why."""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, LiteralString
from urllib.parse import urlsplit

from touchloop import console
from touchloop.cli.runtime import pending_migrations
from touchloop.core import clock, postgres, settings
from touchloop.core.db import Connection
from touchloop.core.version import version
from touchloop.flow import api as flow
from touchloop.identity import api as identity
from touchloop.interactions import api as interactions
from touchloop.lake import api as lake

LEAST_FREE = 512 << 20
LONGEST_WAIT = 300.0
LARGEST_SKEW = 2.0
OUTCOMES = ("stored", "duplicate", "quarantined", "refused", "erased")
Look = Callable[[Connection], tuple[bool, str]]


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    ok: bool
    detail: str


def run(link: Connection) -> tuple[list[Check], dict[str, int | None]]:
    """All checks, and the ledger of messages; each figure is None when it could not be read."""
    found = [_made(name, check, link) for name, check in _BEFORE]
    if not found[-1].ok:  # the tables are not those of this version: the rest would only echo it
        return found, dict.fromkeys(("sent", *OUTCOMES))
    found += [_made(name, check, link) for name, check in _CHECKS]
    return found, _events(link)


def _made(name: str, check: Look, link: Connection) -> Check:
    try:
        ok, detail = check(link)
    except Exception as error:  # whatever it is, the other checks are still worth making
        ok, detail = False, f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    finally:
        link.rollback()
    return Check(name=name, ok=ok, detail=detail)


def _settings(link: Connection) -> tuple[bool, str]:
    settings.check()
    database = "embedded" if settings.embedded() else "DATABASE_URL"
    return True, (
        f"Touchloop {version()}, data in {settings.home()}, database {database}, "
        f"lake in {settings.lake_url()}"
    )


def _database(link: Connection) -> tuple[bool, str]:
    values = {name: _row(link, "SELECT current_setting(%s)", name)[0] for name in _DURABLE}
    off = [f"{name} is {value}" for name, value in values.items() if value in ("off", "local")]
    server, size, used, most, checksums, checkpoint = _row(link, _STATE)
    where = f", in {postgres.data_folder(settings.home())}" if settings.embedded() else ""
    return not off, "; ".join(
        [
            f"PostgreSQL {server}{where}",
            f"{size / 1e6:,.0f} MB",
            f"{used} of {most} connections",
            f"checksums {checksums}",
            f"last checkpoint {checkpoint:%Y-%m-%d %H:%M:%S}",
            ", ".join(off) + ": acknowledged messages can be lost" if off else "durable",
        ]
    )


def _migrations(link: Connection) -> tuple[bool, str]:
    pending = pending_migrations()
    if not pending:
        return True, "the tables are those of this version"
    return False, f"{len(pending)} steps wait: touchloop serve makes them"


def _collector(link: Connection) -> tuple[bool, str]:
    served = _served(settings.home())
    if served is None:
        return True, "not served from this data folder now"
    parts = urlsplit(str(served["tracking"]))
    connection = http.client.HTTPConnection("127.0.0.1", parts.port or 80, timeout=5)
    try:
        connection.request("GET", "/health")
        answer = connection.getresponse()
        state = json.loads(answer.read())
        said = ", ".join(f"{name.replace('_', ' ')} {state[name]}" for name in state if state[name])
        return answer.status == 200, f"{served['tracking']}: {said}"
    except OSError as error:
        return False, f"does not answer at {served['tracking']}: {error}"
    finally:
        connection.close()


def _workers(link: Connection) -> tuple[bool, str]:
    alive = flow.living_workers(link, now=clock.now())
    if alive:
        heard = (f"{worker.name} (heard {worker.silent_seconds:.0f} s ago)" for worker in alive)
        return True, ", ".join(heard)
    waiting, _ = interactions.depth(link)
    served = _served(settings.home()) is not None
    return not (waiting or served), f"none runs; {waiting:,} messages wait"


def _inbox(link: Connection) -> tuple[bool, str]:
    waiting, age = interactions.depth(link)
    since = f", the oldest for {age:.0f} s" if waiting else ""
    return age < LONGEST_WAIT, f"{waiting:,} messages wait{since}"


def _conservation(link: Connection) -> tuple[bool, str]:
    ledger = interactions.snapshot(link)
    detail = (
        f"{ledger.sent:,} sent = {ledger.stored:,} stored + {ledger.duplicate:,} duplicate"
        f" + {ledger.quarantined:,} quarantined + {ledger.refused:,} refused"
        f" + {ledger.erased:,} erased + {ledger.pending:,} waiting"
    )
    if ledger.holds:
        return True, detail
    return False, f"{detail}: {ledger.missing:,} missing; the log holds {ledger.stored_rows:,}"


def _dead_letters(link: Connection) -> tuple[bool, str]:
    held = interactions.count_held(link)
    if not held:
        return True, "none held"
    return True, ", ".join(f"{n:,} in {shelf.replace('_', ' ')}" for shelf, n in held.items())


def _lake(link: Connection) -> tuple[bool, str]:
    state = flow.lag(link, now=clock.now())
    link.rollback()
    with lake.engine() as engine:
        rows = int(engine.rows("SELECT count(*) FROM interactions")[0][0])
    since = f", the oldest for {state.oldest_seconds:.0f} s" if state.waiting else ""
    detail = f"{rows:,} interactions; {state.waiting:,} of the log wait to follow{since}"
    if rows < state.logged - state.waiting:
        return False, f"{detail}; the log holds {state.logged:,}: touchloop lake rebuild"
    return state.oldest_seconds < LONGEST_WAIT or not state.waiting, detail


def _disk(link: Connection) -> tuple[bool, str]:
    places = {settings.home()}
    if settings.embedded():
        places.add(postgres.data_folder(settings.home()))
    free = {path: shutil.disk_usage(path).free for path in places if path.exists()}
    detail = ", ".join(f"{left / 1e9:,.1f} GB free at {path}" for path, left in free.items())
    return all(left >= LEAST_FREE for left in free.values()), detail


def _static_files(link: Connection) -> tuple[bool, str]:
    built = Path(console.__file__).parent / "static" / "console"
    try:
        files = [path for path in built.iterdir() if path.is_file()]
        json.loads((built / "assets.json").read_text())
    except (FileNotFoundError, ValueError):
        return False, "the console's static files are not built: make static"
    return True, f"{len(files)} files"


def _identity(link: Connection) -> tuple[bool, str]:
    broken = identity.broken(link)
    return not broken, "; ".join(broken) or "each identifier points to one living customer"


def _clock(link: Connection) -> tuple[bool, str]:
    """Both clocks are asked within a moment; the way there and back is part of the difference."""
    before = clock.now()
    theirs = _row(link, "SELECT clock_timestamp()")[0]
    skew = abs((theirs - before).total_seconds())
    return skew < LARGEST_SKEW, f"this machine and the database differ by {skew:.3f} s"


def _events(link: Connection) -> dict[str, int | None]:
    ledger = asdict(interactions.snapshot(link))
    return {name: ledger[name] for name in ("sent", *OUTCOMES)}


def _served(home: Path) -> dict[str, Any] | None:
    """What `serve` wrote into its lock file, when it runs."""
    try:
        descriptor = os.open(home / "serve.lock", os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return None
    except BlockingIOError:
        found: dict[str, Any] = json.loads(os.pread(descriptor, 4096, 0))
        return found
    finally:
        os.close(descriptor)


def _row(link: Connection, query: LiteralString, *values: object) -> tuple[Any, ...]:
    row = link.execute(query, values).fetchone()
    assert row is not None
    return row


_DURABLE = ("fsync", "synchronous_commit", "full_page_writes")

_STATE = """
SELECT current_setting('server_version'), pg_database_size(current_database()),
       (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
       current_setting('max_connections')::int, current_setting('data_checksums'),
       (SELECT checkpoint_time FROM pg_control_checkpoint())
"""

_BEFORE: tuple[tuple[str, Look], ...] = (
    ("settings", _settings),
    ("database", _database),
    ("migrations", _migrations),
)

_CHECKS: tuple[tuple[str, Look], ...] = (
    ("collector", _collector),
    ("workers", _workers),
    ("inbox", _inbox),
    ("conservation", _conservation),
    ("dead letters", _dead_letters),
    ("lake", _lake),
    ("disk", _disk),
    ("static files", _static_files),
    ("identity", _identity),
    ("clock", _clock),
)
