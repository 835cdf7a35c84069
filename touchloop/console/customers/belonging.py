"""Which identifiers belong to a customer, why they belong together, and what was joined when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from touchloop.console.customers import wording
from touchloop.console.customers.sight import Sight
from touchloop.console.ui import words
from touchloop.core import access
from touchloop.core.access import Actor, Permission
from touchloop.core.db import Connection
from touchloop.identity import api as identity
from touchloop.identity.api import Held, Operation, Tie
from touchloop.profiles.api import Customer

SHOWN = 20
TIES = 4


@dataclass(frozen=True, slots=True)
class Belonging:
    """One identifier, with why it belongs to this customer."""

    id: int
    label: str
    value: str
    age: str
    title: str
    reasons: Sequence[str]
    separable: bool


@dataclass(frozen=True, slots=True)
class Joined:
    """One change of who is one customer, in words and as before → after."""

    id: int
    at: datetime
    words: str
    reason: str
    undoable: bool
    undone: bool
    by_staff: bool
    changes: Sequence[tuple[str, str | None, str | None]]


def context(conn: Connection, customer: Customer, sees: Sight, actor: Actor) -> dict[str, Any]:
    """Identifiers and merges, for the left column."""
    held = identity.identifiers(conn, customer.id)
    sources = source_names(conn)
    decides = access.allows(actor, Permission.SUGGESTIONS_DECIDE)
    operations = identity.operations(conn, customer_id=customer.id, limit=10)
    return {
        "identifiers": [
            _belonging(each, sources, sees, separable=decides and len(held) > 1)
            for each in held[:SHOWN]
        ],
        "more_identifiers": max(len(held) - SHOWN, 0),
        "merges": joined(conn, operations, sees),
        "may_decide": decides,
    }


def joined(conn: Connection, operations: Sequence[Operation], sees: Sight) -> list[Joined]:
    """Operations in words; identifiers that the reader may not see stay unnamed."""
    every = {
        id
        for each in operations
        for part in (each.before, each.after)
        for ids in part.values()
        for id in ids
    }
    rows = (
        conn.execute(
            "SELECT id, namespace, value FROM identifiers WHERE id = ANY(%s)", (sorted(every),)
        ).fetchall()
        if every
        else []
    )
    named = {id: called(namespace, value, sees) for id, namespace, value in rows}
    return [_joined(each, named) for each in operations]


def called(namespace: str, value: str, sees: Sight) -> str:
    """An identifier in a sentence."""
    label = wording.namespace(namespace)
    return f"{label} {value[:60]}" if sees.shows_namespace(namespace) else label


def source_names(conn: Connection) -> dict[int, str]:
    """What sources are called."""
    return dict(conn.execute("SELECT id, name FROM sources").fetchall())


def _belonging(
    held: Held, sources: Mapping[int, str], sees: Sight, *, separable: bool
) -> Belonging:
    return Belonging(
        id=held.id,
        label=wording.namespace(held.namespace),
        value=held.value if sees.shows_namespace(held.namespace) else "",
        age=words.ago(held.first_seen_at),
        title=_("Seen first %(when)s in %(source)s")
        % {
            "when": words.ago(held.first_seen_at),
            "source": sources.get(held.source_id) or _("Touchloop"),
        },
        reasons=_reasons(held, sources, sees),
        separable=separable,
    )


def _reasons(held: Held, sources: Mapping[int, str], sees: Sight) -> list[str]:
    found = [_tied(tie, sources, sees) for tie in held.ties if tie.holds][:TIES]
    if held.state == "shared":
        found.append(_("It is shared by several customers, so it joins nobody by itself."))
    if held.state == "blocked":
        found.append(_("It is blocked: it names nobody."))
    apart = sum(1 for tie in held.ties if tie.kind == "cut")
    if apart:
        said = ngettext(
            "Staff keep it apart from one other.", "Staff keep it apart from %(n)d others.", apart
        )
        found.append(said % {"n": apart} if "%(n)d" in said else said)
    return found or [_("It came alone; nothing else was needed.")]


def _tied(tie: Tie, sources: Mapping[int, str], sees: Sight) -> str:
    words_ = str(_LINKED.get(tie.kind, _LINKED["observed"]))
    return words_ % {
        "other": called(tie.namespace, tie.value, sees),
        "source": sources.get(tie.source_id) or _("Touchloop"),
        "when": words.ago(tie.at),
    }


def _joined(operation: Operation, named: Mapping[int, str]) -> Joined:
    counts = {"before": len(operation.before), "after": len(operation.after)}
    return Joined(
        id=operation.id,
        at=operation.at,
        words=str(_OPERATIONS.get(operation.kind, _OPERATIONS["merge"])) % counts,
        reason=operation.reason,
        undoable=operation.undone_by is None and operation.kind != "undo",
        undone=operation.undone_by is not None,
        by_staff=operation.actor_id is not None,
        changes=_changes(operation, named),
    )


def _changes(
    operation: Operation, named: Mapping[int, str]
) -> list[tuple[str, str | None, str | None]]:
    """Before and after, customer by customer."""
    customers = sorted(operation.before.keys() | operation.after.keys())
    return [
        (
            _("Customer %d") % customer,
            _listed(operation.before.get(customer), named),
            _listed(operation.after.get(customer), named),
        )
        for customer in customers
    ]


def _listed(ids: Sequence[int] | None, named: Mapping[int, str]) -> str | None:
    if ids is None:
        return None
    shown = [named.get(id, _("erased")) for id in ids[:6]]
    more = len(ids) - len(shown)
    return ", ".join(shown) + (_(" and %d more") % more if more > 0 else "")


_LINKED = {
    "observed": gettext_lazy("Seen together with %(other)s by %(source)s, %(when)s."),
    "declared": gettext_lazy("%(source)s said that it is the same as %(other)s, %(when)s."),
    "staff": gettext_lazy("Staff merged it with %(other)s, %(when)s."),
}
_OPERATIONS = {
    "merge": gettext_lazy("%(before)d customers became %(after)d, by what they sent"),
    "split": gettext_lazy("%(before)d customer became %(after)d, by what they sent"),
    "staff_merge": gettext_lazy("Staff merged %(before)d customers"),
    "cut": gettext_lazy("Staff set an identifier apart"),
    "undo": gettext_lazy("Staff took a change back"),
}
