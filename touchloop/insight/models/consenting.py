"""Who and what a model may learn from: consent's verdicts, asked at every run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pyarrow as pa

from touchloop.consent import api as consent
from touchloop.core.db import Connection
from touchloop.core.errors import Invalid
from touchloop.insight.models.seam import Feature
from touchloop.lake.api import copy_to_arrow

PEOPLE = pa.schema([("customer_id", pa.int64())])


def people(conn: Connection, purpose: str, categories: Sequence[str] = ()) -> pa.Table:
    """The customers who may be used for a purpose, as they have it at this moment.

    One column `customer_id`, ascending. By the stored masks; who said something about a single
    category is decided by itself, for all `categories` together (empty: those that the policy
    treats as it treats purchases). Invalid for a purpose or category that allows nobody.
    """
    if purpose not in consent.BIT:
        raise Invalid("purpose", f"there is no purpose {purpose!r}")
    given = tuple(categories) or _like_purchases(purpose)
    rule = consent.strictest([consent.default(category, purpose) for category in given])
    if rule in (consent.Rule.NEVER, consent.Rule.SUM):
        raise Invalid("categories", _never(given, purpose))
    as_folded = rule is consent.default("bought", purpose)
    own = consent.choosy(conn, purpose, any_words=not as_folded)
    allowing = [
        id
        for id, person in consent.read(conn, own).items()
        if consent.decide(person, purpose=purpose, categories=given).allowed
    ]
    # Those who said nothing of their own: as their mask says, or as the policy says of silence.
    silent = "mask" if as_folded else "yes" if rule is consent.Rule.YES else "no"
    params = {"bit": consent.BIT[purpose], "silent": silent, "own": own, "allowing": allowing}
    return copy_to_arrow(conn, _PEOPLE, params, PEOPLE)


def described(
    conn: Connection, purpose: str, categories: Sequence[str], optional: Sequence[str]
) -> pa.Table:
    """Of `people` those who allow the optional categories besides; nobody without any of these."""
    if not optional:
        return PEOPLE.empty_table()
    return people(conn, purpose, (*(categories or _like_purchases(purpose)), *optional))


def everybody(conn: Connection) -> int:
    """How many customers there are."""
    row = conn.execute("SELECT count(*) FROM customers").fetchone()
    return int(row[0]) if row else 0


def vetted(features: Iterable[Feature], purpose: str) -> tuple[Feature, ...]:
    """The features, each that the policy never allows for the purpose refused with the reason.

    A kind asks before it learns; the room asks again before a version may be used.
    """
    return tuple(
        replace(feature, refused=feature.refused or _refusal(feature, purpose))
        for feature in features
    )


def _refusal(feature: Feature, purpose: str) -> str:
    decision = consent.decide(
        consent.NOBODY_SAID_ANYTHING, purpose=purpose, categories=(feature.category,)
    )
    return "; ".join(decision.reasons) if decision.verdict == "deny" else ""


def _like_purchases(purpose: str) -> tuple[str, ...]:
    usual = consent.default("bought", purpose)
    return tuple(
        category for category in consent.CATEGORIES if consent.default(category, purpose) is usual
    )


def _never(categories: Sequence[str], purpose: str) -> str:
    refused = [
        category
        for category in categories
        if consent.default(category, purpose) in (consent.Rule.NEVER, consent.Rule.SUM)
    ]
    return f"{', '.join(refused)}: never used for {purpose} about one person"


_PEOPLE = """
SELECT id FROM customers
WHERE id = ANY (%(allowing)s::bigint[])
   OR (%(silent)s = 'yes' OR (%(silent)s = 'mask' AND allowed & %(bit)s <> 0))
      AND id <> ALL (%(own)s::bigint[])
ORDER BY id"""
