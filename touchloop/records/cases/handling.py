"""What is done about a case: each act locks it, changes it and stands in its history.

`locations` is what the one who acts may see (None: everything). A case outside of it is not found,
for acting as for looking.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from touchloop.core.db import Connection
from touchloop.core.errors import Invalid, NotFound
from touchloop.interactions.api import News, tell
from touchloop.records.cases.opening import HOURS, LONGEST, REQUEST
from touchloop.records.cases.reading import Case, get

Scope = frozenset[str] | None


def assign(
    conn: Connection,
    case_id: int,
    *,
    to: int | None,
    by: int | None,
    at: datetime,
    locations: Scope = None,
) -> None:
    """Give the case an owner (None: nobody). The same owner again changes nothing."""
    case = _locked(conn, case_id, locations)
    _unfinished(case)
    if case.owner_id == to:
        return
    conn.execute("UPDATE cases SET owner_id = %s WHERE id = %s", (to, case_id))
    _note(conn, case, "assigned", by=by, at=at, detail={"from": case.owner_id, "to": to})


def note(
    conn: Connection,
    case_id: int,
    *,
    text: str,
    by: int | None,
    at: datetime,
    locations: Scope = None,
) -> None:
    """Write something down. Raises Invalid for an empty text."""
    case = _locked(conn, case_id, locations)
    _note(conn, case, "noted", by=by, at=at, text=_said("text", text, "write something"))


def wait(
    conn: Connection,
    case_id: int,
    *,
    by: int | None,
    at: datetime,
    text: str = "",
    locations: Scope = None,
) -> None:
    """Wait for the customer: the clock stands. Raises Invalid unless the case is open."""
    case = _locked(conn, case_id, locations)
    if case.state != "open":
        raise Invalid("state", f"a case that is {case.state} cannot wait")
    conn.execute(
        "UPDATE cases SET state = 'waiting', waiting_since = %s WHERE id = %s", (at, case_id)
    )
    _note(conn, case, "waiting", by=by, at=at, text=text.strip())


def resume(
    conn: Connection,
    case_id: int,
    *,
    by: int | None,
    at: datetime,
    text: str = "",
    locations: Scope = None,
) -> None:
    """The customer answered: the clock goes on where it stood. Raises Invalid unless it waits."""
    case = _locked(conn, case_id, locations)
    if case.state != "waiting":
        raise Invalid("state", f"a case that is {case.state} does not wait")
    due_at = _due(case, at)
    conn.execute(
        "UPDATE cases SET state = 'open', waiting_since = NULL, due_at = %s WHERE id = %s",
        (due_at, case_id),
    )
    _note(
        conn,
        case,
        "resumed",
        by=by,
        at=at,
        text=text.strip(),
        detail={"due_at": due_at.isoformat()},
    )


def close_case(
    conn: Connection,
    case_id: int,
    *,
    by: int | None,
    resolution: str,
    at: datetime,
    locations: Scope = None,
) -> None:
    """Close with what was done, and tell "Case Closed".

    The news of a complaint or a detractor carries `ask_again`: surveys ask this customer how it
    was, in the same transaction as anything else that follows. Raises Invalid without a resolution
    or when it is closed already.
    """
    case = _locked(conn, case_id, locations)
    _unfinished(case)
    said = _said("resolution", resolution, "say what was done for the customer")
    due_at = _due(case, at)
    conn.execute(
        "UPDATE cases SET state = 'closed', closed_at = %s, resolution = %s, due_at = %s,"
        " waiting_since = NULL WHERE id = %s",
        (at, said, due_at, case_id),
    )
    in_time = at <= due_at
    _note(conn, case, "closed", by=by, at=at, text=said, detail={"in_time": in_time})
    told = {
        "case_id": case_id,
        "kind": case.kind,
        "in_time": in_time,
        "ask_again": case.kind != REQUEST,
    }
    _tell(conn, case, "Case Closed", f"case:{case_id}:closed:{case.reopened}", at, told)


def reopen(
    conn: Connection,
    case_id: int,
    *,
    by: int | None,
    reason: str,
    at: datetime,
    hours: float = HOURS,
    locations: Scope = None,
) -> None:
    """Open a closed case again with a new clock. Raises Invalid without a reason or if open."""
    case = _locked(conn, case_id, locations)
    if case.state != "closed":
        raise Invalid("state", "only a closed case can be opened again")
    if not 0 < hours <= LONGEST:
        raise Invalid("hours", f"must be more than 0 and at most {LONGEST:.0f}")
    said = _said("reason", reason, "say why it is opened again")
    due_at = at + timedelta(hours=hours)
    conn.execute(
        "UPDATE cases SET state = 'open', closed_at = NULL, due_at = %s,"
        " reopened = reopened + 1 WHERE id = %s",
        (due_at, case_id),
    )
    _note(conn, case, "reopened", by=by, at=at, text=said, detail={"due_at": due_at.isoformat()})
    told = {"case_id": case_id, "kind": case.kind, "reason": said}
    _tell(conn, case, "Case Reopened", f"case:{case_id}:reopened:{case.reopened + 1}", at, told)


def _locked(conn: Connection, case_id: int, locations: Scope) -> Case:
    if conn.execute("SELECT 1 FROM cases WHERE id = %s FOR UPDATE", (case_id,)).fetchone() is None:
        raise NotFound("There is no such case.")
    return get(conn, case_id, locations=locations)


def _unfinished(case: Case) -> None:
    if case.state == "closed":
        raise Invalid("state", "the case is closed")


def _due(case: Case, at: datetime) -> datetime:
    """When it is due if the clock goes on at `at`: later by what it stood."""
    if case.waiting_since is None:
        return case.due_at
    return case.due_at + max(at - case.waiting_since, timedelta())


def _said(field: str, text: str, ask: str) -> str:
    if not text.strip():
        raise Invalid(field, ask)
    return text.strip()


def _note(
    conn: Connection,
    case: Case,
    act: str,
    *,
    by: int | None,
    at: datetime,
    text: str = "",
    detail: Mapping[str, Any] | None = None,
) -> None:
    conn.execute(
        "INSERT INTO case_events (case_id, subject_id, at, act, by, text, detail)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s::jsonb)",
        (case.id, case.subject_id, at, act, by, text, json.dumps(dict(detail or {}))),
    )


def _tell(
    conn: Connection, case: Case, event: str, cause: str, at: datetime, properties: dict[str, Any]
) -> None:
    tell(
        conn,
        [
            News(
                event, case.subject_id, cause, at, properties,
                case.channel, case.location, case.stage,
            )
        ],
    )  # fmt: skip
