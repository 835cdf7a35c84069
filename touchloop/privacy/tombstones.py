"""Who was erased, written down outside of the database: an older backup brings nobody back.

Each erasure is a line of `erased.jsonl` in the data folder: when, and the identifiers as
HMAC-SHA256 under the secret key. Without the key the file tells nothing about anybody.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from touchloop.core import settings
from touchloop.core.db import Connection

FILE = "erased.jsonl"


def write(conn: Connection, subjects: Sequence[int], *, at: datetime) -> None:
    """Keep that whoever these identifiers name was erased; on the disk when this returns.

    A device may have been others' too: it only stands for somebody of whom nothing else is known.
    """
    rows = conn.execute(
        "SELECT namespace, value, person_id FROM identifiers WHERE id = ANY(%s)", (list(subjects),)
    ).fetchall()
    named = [(str(namespace), str(value)) for namespace, value, person in rows if person]
    known = named or [(str(namespace), str(value)) for namespace, value, _ in rows]
    key = settings.secret_key()
    marks = [_mark(key, namespace, value) for namespace, value in known]
    _append([json.dumps({"at": at.isoformat(), "marks": sorted(marks)})])


def erased_since(conn: Connection, moment: datetime) -> list[int]:
    """The customers in the database who were erased after `moment`, when a backup of then is read.

    What was one customer then is one customer here, whatever became of it before the erasure.
    """
    marks = {
        mark
        for line in _lines()
        if datetime.fromisoformat((entry := json.loads(line))["at"]) > moment
        for mark in entry["marks"]
    }
    if not marks:
        return []
    keys = [settings.secret_key(), *settings.old_secret_keys()]
    found: set[int] = set()
    with conn.cursor("tombstones") as cursor:
        cursor.execute("SELECT namespace, value, customer_id FROM identifiers")
        for namespace, value, customer in cursor:
            if any(_mark(key, namespace, value) in marks for key in keys):
                found.add(int(customer))
    return sorted(found)


def text() -> str:
    """All of it, to go into a backup."""
    return "".join(f"{line}\n" for line in _lines())


def add(lines: Iterable[str]) -> None:
    """What a backup knew beside what is known here."""
    known = set(_lines())
    _append([line for line in lines if line not in known])


def _lines() -> Iterator[str]:
    path = _path()
    if path.exists():
        yield from filter(None, path.read_text().splitlines())


def _append(lines: Sequence[str]) -> None:
    if not lines:
        return
    _path().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(_path(), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "a") as file:
        file.write("".join(f"{line}\n" for line in lines))
        file.flush()
        os.fsync(file.fileno())


def _path() -> Path:
    return settings.home() / FILE


def _mark(key: str, namespace: str, value: str) -> str:
    return hmac.new(key.encode(), f"{namespace}:{value}".encode(), hashlib.sha256).hexdigest()
