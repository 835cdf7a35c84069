"""How offers are weighed: which factors count, what the context adds, who is left out of all."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct
from psycopg.types.json import Jsonb

from touchloop.core import locks
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid

Percent = Annotated[float, Meta(ge=-99, le=10_000)]


class ContextWeight(Struct, frozen=True, forbid_unknown_fields=True):
    """When the request says all of `when`, offers of a topic (or one offer by its short name) gain
    so many percent. Percentages that apply together are added (55 in all: a weight of 1.55).
    """

    when: dict[str, str]
    percent: Percent
    topic: str = ""
    offer: str = ""


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """Priority = propensity x weight x value x lever; a factor that is off counts as 1.

    `facts` are traits that the model may look at, for those who allow to be profiled. `holdout` is
    the share of customers to whom nothing is sold. After `settle_hours` a decision teaches: what
    was shown and not taken by then counts as not taken.
    """

    propensity: bool = True
    context: bool = True
    value: bool = True
    lever: bool = True
    weights: tuple[ContextWeight, ...] = ()
    topics: dict[str, Percent] = {}  # levers of topics, added to those of their offers
    holdout: Annotated[float, Meta(ge=0, le=0.5)] = 0.0
    facts: Annotated[tuple[str, ...], Meta(max_length=5)] = ()
    goal: str = "Order Completed"
    goal_days: Annotated[float, Meta(gt=0, le=365)] = 28.0
    settle_hours: Annotated[float, Meta(gt=0, le=2_160)] = 24.0


@dataclass(frozen=True, slots=True)
class Policy:
    """One version of the settings, with the key of the holdouts."""

    version: int
    settings: Settings
    salt: bytes


@dataclass(frozen=True, slots=True)
class Kept:
    """A version as it stands in the record: when it was made, and by whom (None: by itself)."""

    version: int
    settings: Settings
    at: datetime
    actor_id: int | None


def policy(conn: Connection) -> Policy:
    """The policy that counts now; the first is made when there is none."""
    row = conn.execute(f"{_SELECT} ORDER BY version DESC LIMIT 1".encode()).fetchone()
    if row is None:
        row = conn.execute(_FIRST, (_plain(Settings()), secrets.token_bytes(32))).fetchone()
    if row is None:  # another process made it meanwhile
        row = conn.execute(f"{_SELECT} ORDER BY version DESC LIMIT 1".encode()).fetchone()
    assert row is not None
    return _policy(row)


def policy_of(conn: Connection, version: int) -> Policy:
    """One version."""
    row = conn.execute(f"{_SELECT} WHERE version = %s".encode(), (version,)).fetchone()
    assert row is not None, "versions are never removed"
    return _policy(row)


def change_policy(
    conn: Connection, changes: Mapping[str, Any], *, actor: int | None, now: datetime
) -> Policy:
    """A new version with these settings changed; Invalid names what is wrong. Does not commit."""
    before = policy(conn)
    settings = changed(before.settings, changes)
    row = conn.execute(
        "INSERT INTO decision_policies (settings, salt, at, actor_id) VALUES (%s, %s, %s, %s)"
        " RETURNING version, settings, salt",
        (_plain(settings), before.salt, now, actor),
    ).fetchone()
    assert row is not None
    return _policy(row)


def changed(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    """The settings with these changed; Invalid names what is wrong. Pure."""
    plain = msgspec.to_builtins(settings) | dict(changes)
    try:
        return msgspec.convert(plain, Settings)
    except msgspec.ValidationError as error:
        said, _sep, path = str(error).partition(" - at `$")
        raise Invalid(path.rstrip("`").lstrip(".") or "policy", said) from None


def policies(conn: Connection, *, limit: int = 20) -> list[Kept]:
    """The versions of the policy, the newest first."""
    rows = conn.execute(
        "SELECT version, settings, at, actor_id FROM decision_policies"
        " ORDER BY version DESC LIMIT %s",
        (limit,),
    ).fetchall()
    return [Kept(row[0], msgspec.convert(row[1], Settings), row[2], row[3]) for row in rows]


def _plain(settings: Settings) -> Jsonb:
    """All of it, defaults too: a decision replays under the settings of its time."""
    return Jsonb(msgspec.to_builtins(settings))


def _policy(row: tuple[Any, ...]) -> Policy:
    return Policy(row[0], msgspec.convert(row[1], Settings), bytes(row[2]))


_SELECT = "SELECT version, settings, salt FROM decision_policies"
_FIRST = f"""
WITH one AS (SELECT pg_advisory_xact_lock({locks.key(locks.FIRST_POLICY)}))
INSERT INTO decision_policies (settings, salt)
SELECT %s, %s FROM one WHERE NOT EXISTS (SELECT FROM decision_policies)
RETURNING version, settings, salt
"""
